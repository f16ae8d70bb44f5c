import type { NodeView } from '../../graph/node-view.js'
import type { Lowering, LoweringTable } from '../../graph/lower/lowering.js'
import { isFixed, type Size } from '../../graph/shapes.js'
import { elementCount, tensorOf } from '../../graph/tensor.js'
import { geometryOf, transposedBegin, windowCounts, type Geometry } from '../geometry.js'
import { scaled } from '../place.js'
import { columns, fit, tapsOf, type Taps } from './columns.js'

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => from + k)

/** Taps of windows that slide over X: o·s − p + k·d. */
const sliding = ({ input, output, kernel, strides, dilations, begin }: Geometry): Taps[] =>
  input.map((size, axis) =>
    tapsOf(
      kernel[axis]!,
      output[axis]!,
      size,
      (tap, o) => o * strides[axis]! - begin[axis]! + tap * dilations[axis]!,
    ),
  )

/** Y = W · columns(X), group by group, + B.   X (A, C, …S)   W as (g, M/g, C/g·K)   Y (A, M, …O) */
function product(
  view: NodeView,
  cols: string,
  weight: string,
  sizes: { readonly group: number; readonly rows: Size; readonly width: Size },
): string {
  const { g, x, y, shape } = view
  const { group, rows, width } = sizes
  const [samples, , ...spatial] = shape(y[0]!) as [Size, Size, ...number[]]
  const flat = fit(view, cols, [samples, group, width, elementCount(spatial)])
  const kernels = fit(view, weight, [group, rows, width])
  const whole = fit(view, g.emit('MatMul', [kernels, flat]), shape(y[0]!))
  if (!x[2]) return whole
  return g.emit('Add', [whole, fit(view, x[2], [-1, ...spatial.map(() => 1)])])
}

const share = (size: Size, group: number): Size => scaled(size, 1 / group)

const conv: Lowering = (view) => {
  const { x, int, shape } = view
  const [M, perGroup, ...kernel] = shape(x[1]!) as [Size, Size, ...number[]]
  const group = int('group', 1)
  const cols = columns(view, x[0]!, sliding(geometryOf(view, kernel)))
  const width = scaled(perGroup, elementCount(kernel))
  return [product(view, cols, x[1]!, { group, rows: share(M, group), width })]
}

/** Output o gets W[k]·X[i] wherever i·s + k·d − p = o: windows that slide over X with gaps between its elements. */
const convTranspose: Lowering = (view) => {
  const { g, x, int, ints, shape } = view
  const [C, perGroup, ...kernel] = shape(x[1]!) as [Size, Size, ...number[]]
  const group = int('group', 1)
  const input = shape(x[0]!).slice(2) as readonly number[]
  const output = shape(view.y[0]!).slice(2) as readonly number[]
  const ones = kernel.map(() => 1)
  const strides = ints('strides') ?? ones
  const dilations = ints('dilations') ?? ones
  const begin = transposedBegin(view, kernel)
  const taps = input.map((size, axis) =>
    tapsOf(kernel[axis]!, output[axis]!, size, (tap, o) => {
      const at = o + begin[axis]! - tap * dilations[axis]!
      const stride = strides[axis]!
      return at % stride === 0 ? at / stride : null
    }),
  )
  const count = elementCount(kernel)
  const channels = share(C, group)
  const grouped = fit(view, x[1]!, [group, channels, perGroup, count])
  const turned = g.emit('Transpose', [grouped], { perm: [0, 2, 1, 3] })
  const cols = columns(view, x[0]!, taps)
  return [product(view, cols, turned, { group, rows: perGroup, width: scaled(channels, count) })]
}

const averagePool: Lowering = (view) => {
  const { g, x, ints } = view
  const kernel = ints('kernel_shape') ?? []
  const geometry = geometryOf(view, kernel)
  const cols = columns(view, x[0]!, sliding(geometry))
  const sum = g.emit('ReduceSum', [cols, g.ints(range(2, kernel.length))], { keepdims: 0 })
  const counts = windowCounts(view, geometry)
  const divisor = g.constant(tensorOf('float64', geometry.output, counts), 'window_counts')
  return [g.emit('Div', [sum, divisor])]
}

/** Elements back to where a MaxPool took them from; zeros elsewhere. */
const maxUnpool: Lowering = (view) => {
  const { g, x, y, shape } = view
  const own = shape(y[0]!)
  if (!x[2] && !own.every(isFixed)) return null
  const target = x[2] ?? g.ints(own as readonly number[])
  const size = g.emit('ReduceProd', [target, g.ints([0])], { keepdims: 1 })
  const value = tensorOf('float64', [1], [0])
  const zeros = g.emit('ConstantOfShape', [size], { value: { kind: 'tensor', value } })
  const flat = (of: string): string => g.emit('Reshape', [of, g.ints([-1])])
  const filled = g.emit('ScatterElements', [zeros, flat(x[1]!), flat(x[0]!)], { axis: 0 })
  return [g.emit('Reshape', [filled, target])]
}

const globalPool =
  (op: string): Lowering =>
  ({ g, x, shape }) => [
    g.emit(op, [x[0]!, g.ints(range(2, shape(x[0]!).length - 2))], { keepdims: 1 }),
  ]

export const windowDoubles: LoweringTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  AveragePool: averagePool,
  MaxUnpool: maxUnpool,
  GlobalAveragePool: globalPool('ReduceMean'),
  GlobalMaxPool: globalPool('ReduceMax'),
}
