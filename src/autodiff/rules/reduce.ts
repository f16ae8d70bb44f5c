import { isFixed } from '../../graph/shapes.js'
import { cast, isSame, positiveAxis, stretch, tiny } from '../emit.js'
import { gradient, type RuleContext, type RuleTable } from '../rule.js'

/** A reduction with its axes made positive, dY and Y brought back to the rank of X (1 along the axes). */
interface Reduction {
  readonly axes: readonly number[]
  readonly dY: string
  /** Y with the rank of X; emitted when asked for. */
  readonly whole: () => string
}

/** No axes with `noop_with_empty_axes` are none at all: what an operator does to each element remains. */
function reductionOf(context: RuleContext): Reduction {
  const { g, x, y, dy } = context
  const rank = context.shape(x[0]!).length
  const given = x[1] ? (context.constantInts(1) ?? []) : []
  const axes =
    given.length > 0 || context.int('noop_with_empty_axes', 0) === 1
      ? given.map((axis) => positiveAxis(axis, rank))
      : Array.from({ length: rank }, (_, axis) => axis)
  const isKept = context.int('keepdims', 1) === 1 || axes.length === 0
  const widen = (value: string): string =>
    isKept ? value : g.emit('Unsqueeze', [value, g.ints(axes)])
  return { axes, dY: widen(dy[0]!), whole: () => widen(y[0]!) }
}

/** `derivative` gives dX from a dY that is 1 along the reduced axes; it may still be so: it is stretched. */
const reduction = (
  derivative: (context: RuleContext, reduced: Reduction) => { value: string; isWide: boolean },
): RuleTable[string] =>
  gradient((context) => {
    const reduced = reductionOf(context)
    const { value, isWide } = derivative(context, reduced)
    const [x] = context.x as [string]
    return [isWide ? value : stretch(context, value, reduced.axes, context.shape(x), x)]
  })

const narrow = (value: string): { value: string; isWide: boolean } => ({ value, isWide: false })
const wide = (value: string): { value: string; isWide: boolean } => ({ value, isWide: true })

/** dY / count. */
function mean(context: RuleContext, { axes, dY }: Reduction): { value: string; isWide: boolean } {
  const { g, x, y } = context
  const sizes = axes.map((axis) => context.shape(x[0]!)[axis]!)
  if (sizes.every(isFixed)) {
    const count = sizes.reduce((product, size) => product * size, 1)
    return narrow(g.emit('Mul', [dY, context.scalar(1 / count)]))
  }
  const count = g.emit('Div', [g.emit('Size', [x[0]!]), g.emit('Size', [y[0]!])])
  return narrow(g.emit('Div', [dY, cast(context, count, context.info(x[0]!).dtype)]))
}

/** To the elements that equal the extreme one, evenly among ties, as PyTorch's amax and amin. */
function extreme(
  context: RuleContext,
  { axes, dY, whole }: Reduction,
): { value: string; isWide: boolean } {
  const { g, x } = context
  if (axes.length === 0) return wide(dY)
  const mask = isSame(context, x[0]!, whole())
  const ties = g.emit('ReduceSum', [mask, g.ints(axes)], { keepdims: 1 })
  return wide(g.emit('Mul', [mask, g.emit('Div', [dY, ties])]))
}

/**
 * Y = Π X.  dX = dY · (product of the others): Y / X, and where X is the only 0, the product of the rest. Zeros are
 * taken as 1 so that nothing is divided by 0.
 */
function product(
  context: RuleContext,
  { axes, dY }: Reduction,
): { value: string; isWide: boolean } {
  const { g, x } = context
  if (axes.length === 0) return wide(dY)
  const isZero = isSame(context, x[0]!, context.scalar(0))
  const safe = g.emit('Add', [x[0]!, isZero])
  const others = g.emit('Div', [g.emit('ReduceProd', [safe, g.ints(axes)], { keepdims: 1 }), safe])
  const zeros = g.emit('ReduceSum', [isZero, g.ints(axes)], { keepdims: 1 })
  // No zeros: 0 = 0 everywhere. One: 1 = 1 only there. More: nowhere.
  const reached = isSame(context, isZero, zeros)
  return wide(g.emit('Mul', [dY, g.emit('Mul', [reached, others])]))
}

/** CumSum backwards runs from the other end. */
function cumSum({ g, x, dy, int }: RuleContext): readonly [string] {
  const reverse = 1 - int('reverse', 0)
  return [g.emit('CumSum', [dy[0]!, x[1]!], { exclusive: int('exclusive', 0), reverse })]
}

export const reduceRules: RuleTable = {
  ReduceSum: reduction((_, { dY }) => narrow(dY)),
  ReduceMean: reduction(mean),
  ReduceMax: reduction(extreme),
  ReduceMin: reduction(extreme),
  ReduceProd: reduction(product),
  /** dY · sign X. */
  ReduceL1: reduction(({ g, x }, { dY }) => wide(g.emit('Mul', [g.emit('Sign', [x[0]!]), dY]))),
  /** dY · X / Y; 0 where the norm is 0, as PyTorch. */
  ReduceL2: reduction((context, { dY, whole }) => {
    const { g, x } = context
    const share = g.emit('Div', [dY, g.emit('Max', [whole(), tiny(context)])])
    return wide(g.emit('Mul', [x[0]!, share]))
  }),
  /** 2·dY·X. */
  ReduceSumSquare: reduction((context, { dY }) => {
    const { g, x } = context
    return wide(g.emit('Mul', [x[0]!, g.emit('Mul', [dY, context.scalar(2)])]))
  }),
  /** Y = ln Σ X.  dX = dY · exp(−Y). */
  ReduceLogSum: reduction(({ g }, { dY, whole }) =>
    narrow(g.emit('Mul', [dY, g.emit('Exp', [g.emit('Neg', [whole()])])])),
  ),
  /** Y = ln Σ exp X.  dX = dY · exp(X − Y). */
  ReduceLogSumExp: reduction(({ g, x }, { dY, whole }) =>
    wide(g.emit('Mul', [g.emit('Exp', [g.emit('Sub', [x[0]!, whole()])]), dY])),
  ),
  CumSum: gradient(cumSum),
}
