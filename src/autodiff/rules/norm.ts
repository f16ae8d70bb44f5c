import { GauntletError } from '../../errors.js'
import { float } from '../../graph/builder.js'
import { isFixed, type Shape } from '../../graph/shapes.js'
import { numbers, tensorOf } from '../../graph/tensor.js'
import { positiveAxis, tiny } from '../emit.js'
import { dynamic } from '../place.js'
import { sumTo } from '../sum-to.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'

/** 1 / √(variance + ε). */
export function inverseDeviation(context: RuleContext, variance: string, epsilon: number): string {
  const { g } = context
  return g.emit('Reciprocal', [
    g.emit('Sqrt', [g.emit('Add', [variance, context.scalar(epsilon)])]),
  ])
}

/** (C) → (C, 1, …, 1): a channel's value for each of its positions. */
export function perChannel({ g }: RuleContext, value: string, rank: number): string {
  return rank <= 2 ? value : g.emit('Reshape', [value, g.ints([-1, ...ones(rank - 2)])])
}

const ones = (count: number): number[] => Array.from({ length: count }, () => 1)
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, k) => from + k)

/**
 * BatchNormalization with its stored mean and variance: Y = (X − mean)·inv·scale + bias, inv = 1/√(var + ε).
 * X (N, C, …S), the others (C). dX = dY·inv·scale: one Mul by a constant where those are constants.
 */
function batchNormalization(context: RuleContext): Gradients {
  const { g, x, dy, wants, node } = context
  if (context.int('training_mode', 0) !== 0)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'BatchNormalization in training mode mixes the samples of a batch',
      where: `node ${node.name}`,
      fix: 'export the model in evaluation mode',
    })
  const [data, scale, , mean, variance] = x as [string, string, string, string, string]
  const epsilon = context.float('epsilon', 1e-5)
  const rank = context.shape(data).length
  const samples = g.ints([0, ...range(2, rank)])
  const overSamples = (value: string): string =>
    g.emit('ReduceSum', [value, samples], { keepdims: 0 })
  const inverse = once(() => inverseDeviation(context, variance, epsilon))
  const slope = once(() => g.emit('Mul', [scale, inverse()]))
  const perPosition = (): string =>
    constantSlope(context, epsilon, rank) ?? perChannel(context, slope(), rank)
  const bias = once(() => overSamples(dy[0]!))
  const dScale = once(() => {
    const centred = g.emit('Sub', [data, perChannel(context, mean, rank)])
    return g.emit('Mul', [overSamples(g.emit('Mul', [dy[0]!, centred])), inverse()])
  })
  const dVariance = (): string => {
    const half = g.emit('Mul', [g.emit('Mul', [dScale(), slope()]), context.scalar(-0.5)])
    return g.emit('Mul', [half, inverse()])
  }
  return [
    wants[0] ? g.emit('Mul', [dy[0]!, perPosition()]) : null,
    wants[1] ? dScale() : null,
    wants[2] ? bias() : null,
    wants[3] ? g.emit('Neg', [g.emit('Mul', [bias(), slope()])]) : null,
    wants[4] ? dVariance() : null,
  ]
}

/** inv·scale as a constant (C, 1, …, 1), where both are constants. */
function constantSlope({ g, x, info }: RuleContext, epsilon: number, rank: number): string | null {
  const scale = g.initializer(x[1]!)
  const variance = g.initializer(x[4]!)
  if (!scale || !variance) return null
  const spreads = Array.from(numbers(variance), (value) => Math.sqrt(value + epsilon))
  const values = Array.from(numbers(scale), (value, c) => value / spreads[c]!)
  const dims = [values.length, ...ones(Math.max(0, rank - 2))]
  return g.constant(tensorOf(info(x[0]!).dtype, dims, values), `${x[1]}_slope`)
}

function once(make: () => string): () => string {
  let made: string | undefined
  return () => (made ??= make())
}

/** x̂ = (X − mean)·inv over `axes`, both recomputed from X. */
interface Standardised {
  readonly xHat: string
  readonly inverse: string
}

function standardise(
  context: RuleContext,
  value: string,
  axes: readonly number[],
  epsilon: number,
): Standardised {
  const { g } = context
  const mean = (of: string): string => g.emit('ReduceMean', [of, g.ints(axes)], { keepdims: 1 })
  const centred = g.emit('Sub', [value, mean(value)])
  const inverse = inverseDeviation(context, mean(g.emit('Mul', [centred, centred])), epsilon)
  return { xHat: g.emit('Mul', [centred, inverse]), inverse }
}

/** dX = inv·(d − mean(d) − x̂·mean(d·x̂)), d = dx̂.  Source: Ioffe & Szegedy 2015, arXiv:1502.03167, section 3. */
function throughStandardise(
  { g }: RuleContext,
  { xHat, inverse }: Standardised,
  d: string,
  axes: readonly number[],
): string {
  const mean = (of: string): string => g.emit('ReduceMean', [of, g.ints(axes)], { keepdims: 1 })
  const along = g.emit('Mul', [xHat, mean(g.emit('Mul', [d, xHat]))])
  return g.emit('Mul', [g.emit('Sub', [g.emit('Sub', [d, mean(d)]), along]), inverse])
}

/** InstanceNormalization: each channel of each sample by its own mean and variance. */
function instanceNormalization(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  const rank = context.shape(x[0]!).length
  const axes = range(2, rank)
  const own = standardise(context, x[0]!, axes, context.float('epsilon', 1e-5))
  const samples = g.ints([0, ...axes])
  const overSamples = (value: string): string =>
    g.emit('ReduceSum', [value, samples], { keepdims: 0 })
  const dX = (): string => {
    const d = g.emit('Mul', [dy[0]!, perChannel(context, x[1]!, rank)])
    return throughStandardise(context, own, d, axes)
  }
  return [
    wants[0] ? dX() : null,
    wants[1] ? overSamples(g.emit('Mul', [dy[0]!, own.xHat])) : null,
    wants[2] ? overSamples(dy[0]!) : null,
  ]
}

/**
 * LayerNormalization over the axes from `axis` on; scale and bias broadcast to them.
 */
function layerNormalization(context: RuleContext): Gradients {
  const { g, x, y, dy, wants } = context
  const shape = context.shape(x[0]!)
  const first = positiveAxis(context.int('axis', -1), shape.length)
  const axes = range(first, shape.length)
  const own = standardiseLayer(context, first, axes)
  const whole = context.shape(y[0]!)
  const dX = (): string => {
    const parts = dy[0]
      ? [throughStandardise(context, own, g.emit('Mul', [dy[0], x[1]!]), axes)]
      : []
    parts.push(...throughStatistics(context, own, axes))
    return parts.reduce((a, b) => g.emit('Add', [a, b]))
  }
  const dScale = (dY: string): string =>
    sumTo(g, g.emit('Mul', [dY, own.xHat]), whole, context.shape(x[1]!))
  return [
    wants[0] ? dX() : null,
    wants[1] && dy[0] ? dScale(dy[0]) : null,
    wants[2] && dy[0] ? sumTo(g, dy[0], whole, context.shape(x[2]!)) : null,
  ]
}

/** The mean and 1/σ may be outputs too: dX = dMean / M, and −dInv · inv² · x̂ / M, over M elements. */
function throughStatistics(
  context: RuleContext,
  { xHat, inverse }: Standardised,
  axes: readonly number[],
): string[] {
  const { g, x, dy } = context
  const shape = context.shape(x[0]!)
  const [, dMean, dInverse] = dy
  const count = axes.reduce((product, axis) => {
    const size = shape[axis]!
    return product * (isFixed(size) ? size : Number.NaN)
  }, 1)
  if ((dMean || dInverse) && !Number.isFinite(count)) throw dynamic(context)
  // The statistics of other types are float32 as well.
  const scaled = (value: string): string =>
    g.emit('Mul', [g.emit('CastLike', [value, context.scalar(0)]), context.scalar(1 / count)])
  const parts: string[] = []
  if (dMean) parts.push(g.emit('Expand', [scaled(dMean), g.emit('Shape', [x[0]!])]))
  if (dInverse) {
    const slope = g.emit('Mul', [scaled(dInverse), g.emit('Mul', [inverse, inverse])])
    parts.push(g.emit('Neg', [g.emit('Mul', [slope, xHat])]))
  }
  return parts
}

/** In float32 by a LayerNormalization with scale 1: one fused kernel. In other types it yields inv as float32. */
function standardiseLayer(
  context: RuleContext,
  first: number,
  axes: readonly number[],
): Standardised {
  const { g, x } = context
  const { dtype, shape } = context.info(x[0]!)
  const epsilon = context.float('epsilon', 1e-5)
  const normalised = shape.slice(first)
  if (dtype !== 'float32' || !normalised.every(isFixed))
    return standardise(context, x[0]!, axes, epsilon)
  const count = normalised.reduce((product, size) => product * size, 1)
  const unit = g.constant(tensorOf(dtype, normalised, ones(count)), 'unit_scale')
  const [xHat, , inverse] = g.emitMany('LayerNormalization', [x[0]!, unit], 3, {
    axis: first,
    epsilon: float(epsilon),
  }) as [string, string, string]
  return { xHat, inverse }
}

/**
 * GroupNormalization: X (N, C, …S) as (N, groups, M), standardised over M. Scale and bias are per group in opset 18
 * and per channel from 21 on; their length says which.
 */
function groupNormalization(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  const shape = context.shape(x[0]!)
  const groups = context.int('num_groups', 1)
  const rank = shape.length
  const grouped = (value: string): string => g.emit('Reshape', [value, g.ints([0, groups, -1])])
  const own = standardise(context, grouped(x[0]!), [2], context.float('epsilon', 1e-5))
  const isPerGroup = context.shape(x[1]!)[0] === groups
  const scaled = (): string =>
    isPerGroup
      ? g.emit('Mul', [grouped(dy[0]!), g.emit('Reshape', [x[1]!, g.ints([-1, 1])])])
      : grouped(g.emit('Mul', [dy[0]!, perChannel(context, x[1]!, rank)]))
  const back = (value: string): string => g.reshapeTo(value, shape, x[0]!)
  const summed = (value: string): string =>
    isPerGroup
      ? g.emit('ReduceSum', [value, g.ints([0, 2])], { keepdims: 0 })
      : g.emit('ReduceSum', [back(value), g.ints([0, ...range(2, rank)])], { keepdims: 0 })
  return [
    wants[0] ? back(throughStandardise(context, own, scaled(), [2])) : null,
    wants[1] ? summed(g.emit('Mul', [grouped(dy[0]!), own.xHat])) : null,
    wants[2] ? summed(grouped(dy[0]!)) : null,
  ]
}

/** Y = X / ‖X‖ along `axis`.  dX = (dY − u·Σ dY·Y) / ‖X‖ with u = Y for p = 2, sign X for p = 1. */
function lpNormalization(context: RuleContext): Gradients {
  const { g, x, y, dy } = context
  const isEuclidean = context.int('p', 2) === 2
  const axes = g.ints([context.int('axis', -1)])
  const norm = g.emit(isEuclidean ? 'ReduceL2' : 'ReduceL1', [x[0]!, axes], { keepdims: 1 })
  const unit = isEuclidean ? y[0]! : g.emit('Sign', [x[0]!])
  const along = g.emit('ReduceSum', [g.emit('Mul', [dy[0]!, y[0]!]), axes], { keepdims: 1 })
  const across = g.emit('Sub', [dy[0]!, g.emit('Mul', [unit, along])])
  return [g.emit('Div', [across, g.emit('Max', [norm, tiny(context)])])]
}

/**
 * LRN: Y = X·s^−β, s = bias + α/size·Σ X² over the channels of a window around each.
 * dX = dY·s^−β − 2αβ/size·X·Σ' dY·Y/s, where Σ' runs over the channels whose window holds this one.
 * Source: Krizhevsky et al. 2012, section 3.3.
 */
function lrn(context: RuleContext): Gradients {
  const { g, x, y, dy } = context
  const size = context.int('size', 1)
  const alpha = context.float('alpha', 1e-4)
  const beta = context.float('beta', 0.75)
  const before = Math.floor((size - 1) / 2)
  const after = size - 1 - before
  const shape = context.shape(x[0]!)
  const meanOver = (value: string, pads: readonly [number, number]): string =>
    channelMean(context, value, shape, size, pads)
  const squares = meanOver(g.emit('Mul', [x[0]!, x[0]!]), [before, after])
  const s = g.emit('Add', [
    g.emit('Mul', [squares, context.scalar(alpha)]),
    context.scalar(context.float('bias', 1)),
  ])
  const direct = g.emit('Mul', [dy[0]!, g.emit('Pow', [s, context.scalar(-beta)])])
  const pull = g.emit('Div', [g.emit('Mul', [dy[0]!, y[0]!]), s])
  const neighbours = g.emit('Mul', [
    meanOver(pull, [after, before]),
    context.scalar(2 * alpha * beta),
  ])
  return [g.emit('Sub', [direct, g.emit('Mul', [x[0]!, neighbours])])]
}

/** Σ over a window of channels, divided by its full length. */
function channelMean(
  { g, x }: RuleContext,
  value: string,
  shape: Shape,
  size: number,
  [before, after]: readonly [number, number],
): string {
  const channels = shape[1] as number
  const flat = g.emit('Reshape', [value, g.ints([0, 1, channels, -1])])
  const mean = g.emit('AveragePool', [flat], {
    kernel_shape: [size, 1],
    pads: [before, 0, after, 0],
    count_include_pad: 1,
  })
  return g.reshapeTo(mean, shape, x[0]!)
}

export const normRules: RuleTable = {
  BatchNormalization: gradient(batchNormalization),
  InstanceNormalization: gradient(instanceNormalization),
  LayerNormalization: gradient(layerNormalization),
  GroupNormalization: gradient(groupNormalization),
  LpNormalization: gradient(lpNormalization),
  LRN: gradient(lrn),
}
