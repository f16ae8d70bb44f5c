import { isFixed } from '../../graph/shapes.js'
import { tensorOfFloats, tensorOf } from '../../graph/tensor.js'
import { stretch } from '../emit.js'
import { geometryOf, transposed, windowCounts } from '../geometry.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'

/**
 * MaxPool: the gradient goes to the first greatest element of each window (PyTorch's convention).
 * The positions come from a second MaxPool that also yields `Indices` (flat over the whole tensor);
 * disjoint windows are scattered by MaxUnpool, overlapping ones by ScatterElements with addition.
 * Source: ONNX Operators.md, MaxPool, MaxUnpool, ScatterElements.
 */
function maxPool(context: RuleContext): Gradients {
  const { g, x, y, dy, node } = context
  const kernel = context.ints('kernel_shape') ?? []
  const geometry = geometryOf(context, kernel)
  // Column-major indices would be of no use here: they are asked for again.
  const { storage_order: order, ...attrs } = node.attrs
  const isRowMajor = order?.kind !== 'int' || order.value === 0
  const indices = (isRowMajor && y[1]) || g.emitMany('MaxPool', x, 2, attrs)[1]!
  const shape = g.emit('Shape', [x[0]!])
  const disjoint = kernel.every(
    (k, axis) =>
      (k - 1) * geometry.dilations[axis]! < geometry.strides[axis]! &&
      geometry.dilations[axis] === 1 &&
      geometry.begin[axis] === 0 &&
      geometry.end[axis]! <= 0,
  )
  if (disjoint)
    return [
      g.emit('MaxUnpool', [dy[0]!, indices, shape], {
        kernel_shape: kernel,
        strides: geometry.strides,
      }),
    ]
  const flat = g.ints([-1])
  const zeros = g.emit(
    'ConstantOfShape',
    [g.emit('ReduceProd', [shape, g.ints([0])], { keepdims: 1 })],
    {
      value: { kind: 'tensor', value: tensorOf(context.info(x[0]!).dtype, [1], [0]) },
    },
  )
  const scattered = g.emit(
    'ScatterElements',
    [zeros, g.emit('Reshape', [indices, flat]), g.emit('Reshape', [dy[0]!, flat])],
    { axis: 0, reduction: 'add' },
  )
  return [g.emit('Reshape', [scattered, shape])]
}

/**
 * AveragePool: every window spreads dY evenly over the elements it averaged, which is a depthwise
 * transposed convolution with ones after dY has been divided by the count of each window.
 */
function averagePool(context: RuleContext): Gradients {
  const { g, x, dy } = context
  const kernel = context.ints('kernel_shape') ?? []
  const geometry = geometryOf(context, kernel)
  const channels = context.shape(x[0]!)[1]!
  if (!isFixed(channels)) return [null]
  const { dtype } = context.info(x[0]!)
  const counts = tensorOf(dtype, [1, 1, ...geometry.output], windowCounts(context, geometry))
  const share = g.emit('Div', [dy[0]!, g.constant(counts, 'window_counts')])
  const taps = kernel.reduce((a, b) => a * b, 1)
  const ones = Array.from({ length: channels * taps }, () => 1)
  const weight =
    dtype === 'float32'
      ? tensorOfFloats([channels, 1, ...kernel], Float32Array.from(ones))
      : tensorOf(dtype, [channels, 1, ...kernel], ones)
  return [
    g.emit('ConvTranspose', [share, g.constant(weight, 'window')], {
      ...transposed(geometry),
      group: channels,
    }),
  ]
}

/** GlobalAveragePool: dY / (number of positions), the same everywhere. */
function globalAveragePool(context: RuleContext): Gradients {
  const { g, x, dy } = context
  const positions = context
    .shape(x[0]!)
    .slice(2)
    .reduce<number>((count, size) => count * (isFixed(size) ? size : 1), 1)
  const share = g.emit('Mul', [dy[0]!, context.scalar(1 / positions)])
  const shape = context.shape(x[0]!)
  const spatial = shape.slice(2).map((_, axis) => axis + 2)
  return [stretch(context, share, spatial, shape, x[0]!)]
}

/** GlobalMaxPool: to the greatest position of each channel; ties share it, as PyTorch's amax. */
function globalMaxPool(context: RuleContext): Gradients {
  const { g, x, y, dy } = context
  const { dtype } = context.info(x[0]!)
  const axes = g.ints(
    context
      .shape(x[0]!)
      .slice(2)
      .map((_, axis) => axis + 2),
  )
  const isGreatest = g.emit('Cast', [g.emit('Equal', [x[0]!, y[0]!])], {
    to: dtype === 'float64' ? 11 : dtype === 'float16' ? 10 : 1,
  })
  const ties = g.emit('ReduceSum', [isGreatest, axes], { keepdims: 1 })
  return [g.emit('Mul', [isGreatest, g.emit('Div', [dy[0]!, ties])])]
}

export const poolRules: RuleTable = {
  MaxPool: gradient(maxPool),
  AveragePool: gradient(averagePool),
  /** Each input was put at one place: it reads the gradient there. Indices count over the whole output. */
  MaxUnpool: gradient(({ g, x, dy }) => [
    g.emit('Gather', [g.emit('Reshape', [dy[0]!, g.ints([-1])]), x[1]!]),
  ]),
  GlobalAveragePool: gradient(globalAveragePool),
  GlobalMaxPool: gradient(globalMaxPool),
}
