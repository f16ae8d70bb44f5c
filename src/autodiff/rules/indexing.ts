import { GauntletError } from '../../errors.js'
import { isFixed, type Shape, type Size } from '../../graph/shapes.js'
import { ints } from '../../graph/tensor.js'
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

/** dX[indices[k]] += dY[k]. */
function gatherNd(context: RuleContext): Gradients {
  const { g, x, dy } = context
  if (context.int('batch_dims', 0) !== 0) throw unsupported(context, 'batch_dims other than 0')
  return [g.emit('ScatterND', [zerosLike(context, x[0]!), x[1]!, dy[0]!], { reduction: 'add' })]
}

/** The k values of TopK go back to where they stood. */
function topK(context: RuleContext): Gradients {
  const { g, x, y, dy, node } = context
  if (!dy[0]) return [null]
  const indices = y[1] || g.emitMany('TopK', x, 2, node.attrs)[1]!
  return [scatter(context, indices, dy[0], context.int('axis', -1), 'none')]
}

/**
 * ScatterElements and ScatterND: the updates get dY at their places; the data gets the rest, or with the
 * reduction `add` all of it.
 */
const scattered = (
  read: (context: RuleContext) => string,
  blank: (context: RuleContext, zeros: string) => string,
): RuleTable[string] =>
  gradient((context) => {
    const { x, dy, wants } = context
    const reduction = context.string('reduction', 'none')
    if (reduction !== 'none' && reduction !== 'add')
      throw unsupported(context, `the reduction ${reduction}`)
    const data = (): string =>
      reduction === 'add' ? dy[0]! : blank(context, zerosLike(context, x[2]!))
    return [wants[0] ? data() : null, null, wants[2] ? read(context) : null]
  })

function unsupported({ node }: RuleContext, what: string): GauntletError {
  return new GauntletError('GNT_GRAD_NO_RULE', {
    what: `no gradient rule for ${node.op} with ${what}`,
    where: `node ${node.name}`,
    fix: 'use an attack that needs no gradient (gauntlet attacks)',
  })
}

export const indexingRules: RuleTable = {
  Gather: gradient(gather),
  GatherElements: gradient((context) => [
    scatter(context, context.x[1]!, context.dy[0]!, context.int('axis', 0), 'add'),
  ]),
  GatherND: gradient(gatherNd),
  TopK: gradient(topK),
  ScatterElements: scattered(
    ({ g, x, dy, int }) => g.emit('GatherElements', [dy[0]!, x[1]!], { axis: int('axis', 0) }),
    ({ g, x, dy, int }, zeros) =>
      g.emit('ScatterElements', [dy[0]!, x[1]!, zeros], { axis: int('axis', 0) }),
  ),
  ScatterND: scattered(
    ({ g, x, dy }) => g.emit('GatherND', [dy[0]!, x[1]!]),
    ({ g, x, dy }, zeros) => g.emit('ScatterND', [dy[0]!, x[1]!, zeros]),
  ),
}
