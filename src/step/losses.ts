import type { GraphBuilder } from '../graph/builder.js'
import type { DType } from '../graph/ir.js'
import { tensorOf } from '../graph/tensor.js'
import { reduceRows } from './row-sum.js'

/** Losses that an attack may be asked to ascend. */
export const lossNames = ['ce', 'margin', 'dlr'] as const
export type AscentLoss = (typeof lossNames)[number]

/** `difference` needs a class that it compares the true one with: it is for attacks that look at classes one by one. */
export type LossName = AscentLoss | 'difference'

/** What a loss reads: logits (N, K), true labels int64 (N), and for a targeted attack targets int64 (N). */
export interface LossInputs {
  readonly g: GraphBuilder
  readonly logits: string
  readonly dtype: DType
  readonly classes: number
  readonly labels: string
  readonly targets: string | null
}

/** Per-sample loss (N) that the attack ascends, and its gradient with respect to the logits (N, K). */
export interface LossOutputs {
  readonly loss: string
  readonly dLogits: string
  /** The same gradient, scaled to a greatest entry of 1 for each sample, where it takes care to be exact. */
  readonly unit?: string
}

interface Loss<Least extends number | null> {
  readonly title: string
  readonly source: string
  /** Fewest classes for which it is defined: [untargeted, targeted]; null where it is not. */
  readonly leastClasses: readonly [Least, number]
  build(inputs: LossInputs): LossOutputs
}

/** The losses an attack may ascend. Their gradients are written out: they are exact where a chain would lose digits. */
export const losses: Readonly<Record<AscentLoss, Loss<number>> & { difference: Loss<null> }> = {
  ce: {
    title: 'cross-entropy',
    source: 'Madry et al. 2018, arXiv:1706.06083',
    leastClasses: [2, 2],
    build: crossEntropy,
  },
  margin: {
    title: 'difference of logits',
    source: 'Carlini & Wagner 2017, arXiv:1608.04644, objective f6 without the hinge',
    leastClasses: [2, 2],
    build: margin,
  },
  dlr: {
    title: 'difference of logits ratio',
    source: 'Croce & Hein 2020, arXiv:2003.01690, eqs. 6 and 7',
    leastClasses: [3, 4],
    build: (inputs) => (inputs.targets === null ? dlr(inputs) : targetedDlr(inputs)),
  },
  difference: {
    title: 'difference to one class',
    source: 'Moosavi-Dezfooli et al. 2016, arXiv:1511.04599, algorithm 2: f_k − f_y',
    leastClasses: [null, 2],
    build: difference,
  },
}

/**
 * CE(z, c) = log Σ exp z − z_c; untargeted c = y ascends it, targeted c = t descends it.
 * dz = p − e_c with the c-th entry written as −Σ_{j≠c} p_j: p_c − 1 would round to 0 in float32 as soon as
 * the network is confident, and the attack would see no gradient. Beyond a difference of 87 logits, p_j itself is 0;
 * but dz = (1 − p_c)·(q − e_c) with q the softmax over the other classes alone, which never vanishes.
 */
function crossEntropy({ g, logits, dtype, classes, labels, targets }: LossInputs): LossOutputs {
  const isClass = oneHot(g, targets ?? labels, classes, dtype)
  const p = g.emit('Softmax', [logits], { axis: -1 })
  const others = g.emit('Mul', [p, g.emit('Sub', [g.scalar(1, dtype), isClass])])
  const mass = reduceRows(g, 'ReduceSum', others, { width: classes, rank: 2 })
  const descent = g.emit('Sub', [others, g.emit('Mul', [isClass, mass])])
  const logP = g.emit('LogSoftmax', [logits], { axis: -1 })
  const likelihood = pickClass(g, logP, isClass)
  const q = g.emit('Softmax', [withoutClass(g, logits, isClass, dtype)], { axis: -1 })
  return targets === null
    ? { loss: g.emit('Neg', [likelihood]), dLogits: descent, unit: g.emit('Sub', [q, isClass]) }
    : { loss: likelihood, dLogits: g.emit('Neg', [descent]), unit: g.emit('Sub', [isClass, q]) }
}

/** max_{j≠y} z_j − z_y; targeted: z_t − max_{j≠t} z_j. */
function margin({ g, logits, dtype, classes, labels, targets }: LossInputs): LossOutputs {
  const own = oneHot(g, targets ?? labels, classes, dtype)
  const rival = greatestOther(g, logits, own, classes, dtype)
  const [up, down] = targets === null ? [rival, own] : [own, rival]
  const dLogits = g.emit('Sub', [up, down])
  return { loss: pickClass(g, logits, dLogits), dLogits }
}

/** z_t − z_y. */
function difference({ g, logits, dtype, classes, labels, targets }: LossInputs): LossOutputs {
  const [up, down] = [oneHot(g, targets!, classes, dtype), oneHot(g, labels, classes, dtype)]
  const dLogits = g.emit('Sub', [up, down])
  return { loss: pickClass(g, logits, dLogits), dLogits }
}

/** −(z_y − max_{j≠y} z_j) / (z_π1 − z_π3), π = classes by falling logit. */
function dlr(inputs: LossInputs): LossOutputs {
  const { g, logits, dtype, classes, labels } = inputs
  const own = oneHot(g, labels, classes, dtype)
  const rival = greatestOther(g, logits, own, classes, dtype)
  const top = sorted(g, logits, 3, classes, dtype)
  return ratio(inputs, g.emit('Sub', [rival, own]), g.emit('Sub', [top[0]!, top[2]!]))
}

/** −(z_y − z_t) / (z_π1 − (z_π3 + z_π4) / 2). */
function targetedDlr(inputs: LossInputs): LossOutputs {
  const { g, logits, dtype, classes, labels, targets } = inputs
  const own = oneHot(g, labels, classes, dtype)
  const wanted = oneHot(g, targets!, classes, dtype)
  const top = sorted(g, logits, 4, classes, dtype)
  const lower = g.emit('Mul', [g.emit('Add', [top[2]!, top[3]!]), g.scalar(0.5, dtype)])
  return ratio(inputs, g.emit('Sub', [wanted, own]), g.emit('Sub', [top[0]!, lower]))
}

/** (u·z) / (v·z + tiny) for per-sample weights u, v (N, K); gradient u/b − (a/b²)·v. */
function ratio({ g, logits, dtype, classes }: LossInputs, u: string, v: string): LossOutputs {
  const along = (weights: string): string =>
    reduceRows(g, 'ReduceSum', g.emit('Mul', [logits, weights]), { width: classes, rank: 2 })
  const a = along(u)
  const b = g.emit('Add', [along(v), g.scalar(1e-12, dtype)])
  const loss = g.emit('Div', [a, b])
  const dLogits = g.emit('Div', [g.emit('Sub', [u, g.emit('Mul', [loss, v])]), b])
  return { loss: g.emit('Squeeze', [loss, g.ints([1])]), dLogits }
}

function oneHot(g: GraphBuilder, labels: string, classes: number, dtype: DType): string {
  const depth = g.constant(tensorOf('int64', [1], [classes]), 'classes')
  const offOn = g.constant(tensorOf(dtype, [2], [0, 1]), 'off_on')
  return g.emit('OneHot', [labels, depth, offOn], { axis: -1 })
}

/** Σ_k weights·values: with one-hot weights, the value of one class. */
function pickClass(g: GraphBuilder, values: string, weights: string): string {
  return g.emit('ReduceSum', [g.emit('Mul', [values, weights]), g.ints([1])], { keepdims: 0 })
}

/** The logits with that of the marked class too small to matter. */
function withoutClass(g: GraphBuilder, logits: string, isClass: string, dtype: DType): string {
  const isMarked = g.emit('Greater', [isClass, g.scalar(0.5, dtype)])
  return g.emit('Where', [isMarked, g.scalar(-3e38, dtype), logits])
}

/** One-hot of the greatest logit outside the class marked in `own`; the first one on a tie. */
function greatestOther(
  g: GraphBuilder,
  logits: string,
  own: string,
  classes: number,
  dtype: DType,
): string {
  const others = withoutClass(g, logits, own, dtype)
  return oneHot(g, g.emit('ArgMax', [others], { axis: 1, keepdims: 0 }), classes, dtype)
}

/** One-hots of the `count` greatest logits, greatest first. */
function sorted(
  g: GraphBuilder,
  logits: string,
  count: number,
  classes: number,
  dtype: DType,
): string[] {
  const indices = g.emitMany('TopK', [logits, g.ints([count])], 2, {
    axis: 1,
    largest: 1,
    sorted: 1,
  })[1]!
  const split = g.emitMany('Split', [indices], count, { axis: 1, num_outputs: count })
  return split.map((one) => oneHot(g, g.emit('Squeeze', [one, g.ints([1])]), classes, dtype))
}

/**
 * The gradient of each sample's loss, scaled to a greatest entry of `scale`. Directions, and so every normalised step,
 * stay as they are; but the backward pass no longer underflows when the network is confident.
 */
export function normaliseSeed(
  g: GraphBuilder,
  { dLogits, unit }: LossOutputs,
  dtype: DType,
  scale: number,
): string {
  const normal = unit ?? divideByGreatest(g, dLogits, dtype)
  return scale === 1 ? normal : g.emit('Mul', [normal, g.scalar(scale, dtype)])
}

function divideByGreatest(g: GraphBuilder, dLogits: string, dtype: DType): string {
  const largest = g.emit('ReduceMax', [g.emit('Abs', [dLogits]), g.ints([1])], { keepdims: 1 })
  return g.emit('Div', [dLogits, g.emit('Max', [largest, g.scalar(1e-37, dtype)])])
}
