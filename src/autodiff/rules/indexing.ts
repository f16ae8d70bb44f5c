import { isFixed, type Shape, type Size } from '../../graph/shapes.js'
import { ints, tensorOf } from '../../graph/tensor.js'
import { positiveAxis, zerosLike } from '../emit.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'
import { padded, reshape } from '../place.js'

/**
 * Gather: X (…pre, D, …post), indices (…K) → Y (…pre, …K, …post).
 * Constant indices that read each entry at most once are undone without a scatter: a run by Pad, a permutation or
 * a selection by Gather. All others add dY up where it came from.
 */
function gather(context: RuleContext): Gradients {
  const { g, x, dy } = context
  const shape = context.shape(x[0]!)
  const axis = positiveAxis(context.int('axis', 0), shape.length)
  const size = shape[axis]!
  const pre = shape.slice(0, axis)
  const post = shape.slice(axis + 1)
  const indexShape = context.shape(x[1]!)
  // K as one axis, whatever the rank of the indices.
  const reads = lengthOf(indexShape)
  const gathered = [...pre, reads, ...post]
  const dY = indexShape.length === 1 ? dy[0]! : reshape(context, dy[0]!, gathered)
  const constant = g.initializer(x[1]!)
  const fixed = constant && isFixed(size) ? ints(constant).map((k) => positiveAxis(k, size)) : null
  if (fixed && isFixed(size)) {
    const undone = undoFixed(context, dY, axis, size, fixed)
    if (undone) return [undone]
  }
  // ScatterElements wants an index for every element of dY.
  const rank = gathered.length
  const target = Array.from({ length: rank }, (_, k) => (k === axis ? -1 : 1))
  const column = g.emit('Reshape', [x[1]!, g.ints(target)])
  const indices = g.emit('Expand', [column, g.emit('Shape', [dY])])
  return [scatter(context, indices, dY, axis, 'add')]
}

/** @returns null where an entry is read twice */
function undoFixed(
  context: RuleContext,
  dY: string,
  axis: number,
  size: number,
  indices: readonly number[],
): string | null {
  const { g } = context
  const count = indices.length
  if (new Set(indices).size < count || count === 0) return null
  const [first] = indices as [number]
  if (indices.every((index, k) => index === first + k))
    return padded(context, dY, [axis], [first], [size - first - count])
  // Entry `count`, which nothing reads, is a zero at the end.
  const back = Array.from({ length: size }, (_, k) => {
    const at = indices.indexOf(k)
    return at < 0 ? count : at
  })
  const source = count === size ? dY : padded(context, dY, [axis], [0], [1])
  return g.emit('Gather', [source, g.ints(back)], { axis })
}

/** Zeros of X's shape with `updates` put (or added up) at `indices` along `axis`. */
function scatter(
  context: RuleContext,
  indices: string,
  updates: string,
  axis: number,
  reduction: 'none' | 'add',
): string {
  const zeros = zerosLike(context, context.x[0]!)
  return context.g.emit('ScatterElements', [zeros, indices, updates], { axis, reduction })
}

function lengthOf(shape: Shape): Size {
  const factor = shape.reduce<number>((n, size) => n * (isFixed(size) ? size : size.perBatch), 1)
  const free = shape.filter((size) => !isFixed(size)).length
  return free === 0 ? factor : { perBatch: factor }
}

/** dX[indices[k]] += dY[k]. With batch_dims each index is told which batch it is in. */
function gatherNd(context: RuleContext): Gradients {
  const { g, x, dy } = context
  const count = context.int('batch_dims', 0)
  const zeros = zerosLike(context, x[0]!)
  const indices = count === 0 ? x[1]! : withBatch(context, count)
  return [g.emit('ScatterND', [zeros, indices, dy[0]!], { reduction: 'add' })]
}

/** Indices (…B, …, q) → (…B, …, B + q): the place along each batch axis in front of the index. */
function withBatch(context: RuleContext, count: number): string {
  const { g, x } = context
  const rank = context.shape(x[1]!).length
  const sizes = g.emit('Shape', [x[1]!])
  const lead = g.emit('Slice', [sizes, g.ints([0]), g.ints([rank - 1])])
  const wide = g.emit('Concat', [lead, g.ints([1])], { axis: 0 })
  const places = Array.from({ length: count }, (_, axis) => {
    const length = g.emit('Gather', [sizes, g.scalar(axis, 'int64')])
    const range = g.emit('Range', [g.scalar(0, 'int64'), length, g.scalar(1, 'int64')])
    const target = Array.from({ length: rank }, (_unused, k) => (k === axis ? -1 : 1))
    return g.emit('Expand', [g.emit('Reshape', [range, g.ints(target)]), wide])
  })
  return g.emit('Concat', [...places, x[1]!], { axis: -1 })
}

/** The k values of TopK go back to where they stood. */
function topK(context: RuleContext): Gradients {
  const { g, x, y, dy, node } = context
  if (!dy[0]) return [null]
  const indices = y[1] || g.emitMany('TopK', x, 2, node.attrs)[1]!
  return [scatter(context, indices, dy[0], context.int('axis', -1), 'none')]
}

/** The entries that the condition kept go back to where they stood; without an axis X counts as flat. */
function compress(context: RuleContext): Gradients {
  const { g, x, y, dy } = context
  const shape = context.shape(x[0]!)
  const kept = g.emit('Reshape', [g.emit('NonZero', [x[1]!]), g.ints([-1])])
  const zeros = zerosLike(context, x[0]!)
  if (!context.attr('axis')) {
    const flat = g.emit('Reshape', [zeros, g.ints([-1])])
    const filled = g.emit('ScatterElements', [flat, kept, dy[0]!], { axis: 0 })
    return [g.emit('Reshape', [filled, g.emit('Shape', [x[0]!])])]
  }
  const axis = positiveAxis(context.int('axis', 0), shape.length)
  const target = shape.map((_, k) => (k === axis ? -1 : 1))
  const column = g.emit('Reshape', [kept, g.ints(target)])
  const indices = g.emit('Expand', [column, g.emit('Shape', [y[0]!])])
  return [g.emit('ScatterElements', [zeros, indices, dy[0]!], { axis })]
}

/** The two values get the sum of dY where each of them stands. */
function oneHot(context: RuleContext): Gradients {
  const { g, x, dy, node } = context
  const offOn = g.constant(tensorOf(context.info(x[2]!).dtype, [2], [0, 1]), 'off_on')
  const isOn = g.emit('OneHot', [x[0]!, x[1]!, offOn], node.attrs)
  const total = (value: string): string =>
    g.emit('Reshape', [g.emit('ReduceSum', [value], { keepdims: 0 }), g.ints([1])])
  const on = total(g.emit('Mul', [dy[0]!, isOn]))
  const all = total(dy[0]!)
  return [null, null, g.emit('Concat', [g.emit('Sub', [all, on]), on], { axis: 0 })]
}

export const indexingRules: RuleTable = {
  OneHot: gradient(oneHot),
  Compress: gradient(compress),
  /** Turned round twice a sequence is as it was. */
  ReverseSequence: gradient(({ g, x, dy, node }) => [
    g.emit('ReverseSequence', [dy[0]!, x[1]!], node.attrs),
  ]),
  Gather: gradient(gather),
  GatherElements: gradient((context) => [
    scatter(context, context.x[1]!, context.dy[0]!, context.int('axis', 0), 'add'),
  ]),
  GatherND: gradient(gatherNd),
  TopK: gradient(topK),
}
