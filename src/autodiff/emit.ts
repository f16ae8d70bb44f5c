import { float } from '../graph/builder.js'
import type { DType, Tensor } from '../graph/ir.js'
import { isFixed, type Shape } from '../graph/shapes.js'
import { numbers, tensorOf } from '../graph/tensor.js'
import { dataTypeNames } from '../onnx/proto.js'
import type { RuleContext } from './rule.js'

/** Steeper than any float32 step: α·v passes 1 for every normal v > 0. */
const steep = float(3e38)

/**
 * 1 where `value` > 0, else 0, in `value`'s dtype (that of the node's first input).
 * In float32 as one HardSigmoid: a comparison and a Cast cost 1.5 to 1.7 times as much. Exact for every
 * value above 1 / 3e38.
 */
export function isPositive(context: RuleContext, value: string): string {
  const { g, x } = context
  const { dtype } = context.info(x[0]!)
  if (dtype === 'float32') return g.emit('HardSigmoid', [value], { alpha: steep, beta: float(0) })
  return cast(context, g.emit('Greater', [value, context.scalar(0)]), dtype)
}

/** 1 where `a` > `b`, ½ where they are equal, else 0: how PyTorch's maximum shares a tie. */
export function wins(context: RuleContext, a: string, b: string): string {
  const { g, x } = context
  const lead = g.emit('Sub', [a, b])
  if (context.info(x[0]!).dtype === 'float32')
    return g.emit('HardSigmoid', [lead], { alpha: steep, beta: float(0.5) })
  const half = context.scalar(0.5)
  return g.emit('Add', [g.emit('Mul', [g.emit('Sign', [lead]), half]), half])
}

/** 1 where `a` equals `b`, else 0. */
export function isSame(context: RuleContext, a: string, b: string): string {
  return cast(context, context.g.emit('Equal', [a, b]), context.info(context.x[0]!).dtype)
}

export function cast({ g }: RuleContext, value: string, dtype: DType): string {
  return g.emit('Cast', [value], { to: dataTypeNames.indexOf(dtype) })
}

/** Zeros of the shape of `like`, a value of the forward graph. */
export function zerosLike(context: RuleContext, like: string): string {
  const { g } = context
  const value = tensorOf(context.info(like).dtype, [1], [0])
  return g.emit('ConstantOfShape', [g.emit('Shape', [like])], { value: { kind: 'tensor', value } })
}

/** −2 of rank 4 → 2. */
export function positiveAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis
}

/**
 * Stretches `value` (rank of `shape`, 1 along `axes`) to `shape`. The target is a constant unless an axis that
 * follows the batch is among them: Expand keeps a size where the target says 1.
 */
export function stretch(
  { g }: RuleContext,
  value: string,
  axes: readonly number[],
  shape: Shape,
  like: string,
): string {
  const followsBatch = axes.some((axis) => !isFixed(shape[axis]!))
  const target = followsBatch
    ? g.emit('Shape', [like])
    : g.ints(shape.map((size) => (isFixed(size) ? size : 1)))
  return g.emit('Expand', [value, target])
}

/** All elements of a constant are this number; undefined if they differ or it is not a constant. */
export function uniformValue(tensor: Tensor | undefined): number | undefined {
  if (!tensor) return undefined
  const [first, ...rest] = numbers(tensor)
  return rest.every((value) => value === first) ? first : undefined
}

/** The smallest number that guards a division in this dtype without showing in any result. */
export function tiny(context: RuleContext): string {
  return context.scalar(context.info(context.x[0]!).dtype === 'float16' ? 6e-8 : 1e-30)
}
