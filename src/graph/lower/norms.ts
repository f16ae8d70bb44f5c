import type { NodeView } from '../node-view.js'
import { float } from '../builder.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/**
 * X / √(mean X² + ε) · scale over the axes from `axis` on (Zhang and Sennrich 2019, arXiv:1910.07467).
 * @returns the result and 1/√(…)
 */
function rms(
  view: NodeView,
  value: string,
  scale: string,
  axis: number,
  epsilon: number,
): string[] {
  const { g, info, x, shape } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const rank = shape(x[0]!).length
  const first = (axis + rank) % rank
  const axes = Array.from({ length: rank - first }, (_, k) => first + k)
  const mean = ops.reduce('ReduceMean', ops.mul(value, value), ...axes)
  const inverse = ops.unary('Reciprocal', ops.unary('Sqrt', ops.shift(mean, epsilon)))
  return [ops.mul(ops.mul(value, inverse), scale), inverse]
}

const rmsNormalization: Lowering = (view) => {
  const { x, int, float: number } = view
  return rms(view, x[0]!, x[1]!, int('axis', -1), number('epsilon', 1e-5))
}

/** (X − mean) / (√(mean of squares) + 10⁻⁹) over `axes`, by default all but the channels. */
const meanVariance: Lowering = ({ g, x, info, ints }) => {
  const ops = opsOf(g, info(x[0]!).dtype)
  const axes = ints('axes') ?? [0, 2, 3]
  const centred = ops.sub(x[0]!, ops.reduce('ReduceMean', x[0]!, ...axes))
  const variance = ops.reduce('ReduceMean', ops.mul(centred, centred), ...axes)
  return [ops.div(centred, ops.shift(ops.unary('Sqrt', variance), 1e-9))]
}

/** X + skip + bias: what is normalised, and the fourth output. */
function skipped(view: NodeView, bias: string | undefined): string {
  const { g, x } = view
  const sum = g.emit('Add', [x[0]!, x[1]!])
  return bias ? g.emit('Add', [sum, bias]) : sum
}

/** inputs X, skip, γ, β, bias; outputs Y, mean, 1/σ, the sum. */
const skipLayerNormalization: Lowering = (view) => {
  const { g, x, y, float: number } = view
  const sum = skipped(view, x[4])
  const attrs = { axis: -1, epsilon: float(number('epsilon', 1e-12)) }
  const operands = x[3] ? [sum, x[2]!, x[3]] : [sum, x[2]!]
  const [normal, mean, inverse] = g.emitMany(
    'LayerNormalization',
    operands,
    y[1] || y[2] ? 3 : 1,
    attrs,
  )
  return [normal!, mean ?? '', inverse ?? '', sum]
}

/** inputs X, skip, γ, bias; outputs Y, -, 1/σ, the sum. */
const skipSimplified: Lowering = (view) => {
  const { x, float: number } = view
  const sum = skipped(view, x[3])
  const [normal, inverse] = rms(view, sum, x[2]!, -1, number('epsilon', 1e-12))
  return [normal!, '', inverse!, sum]
}

/** Word, position and segment embeddings, summed and normalised (Devlin et al. 2018, arXiv:1810.04805, section 3). */
const embedLayerNormalization: Lowering = (view) => {
  const { g, x, float: number, shape } = view
  const [ids, segments, words, positions, kinds, gamma, beta, mask, places] = x
  const length = Number(shape(ids!)[1])
  const parts = [
    g.emit('Gather', [words!, ids!]),
    places
      ? g.emit('Gather', [positions!, places])
      : g.emit('Slice', [positions!, g.ints([0]), g.ints([length]), g.ints([0])]),
    ...(segments && kinds ? [g.emit('Gather', [kinds, segments])] : []),
  ]
  const sum = parts.reduce((a, b) => g.emit('Add', [a, b]))
  const attrs = { axis: -1, epsilon: float(number('epsilon', 1e-12)) }
  // How many tokens of each sequence count; zeros where nothing is masked.
  const counted = mask || g.emit('Sub', [ids!, ids!])
  const count = g.emit('ReduceSum', [counted, g.ints([1])], { keepdims: 0 })
  return [g.emit('LayerNormalization', [sum, gamma!, beta!], attrs), count, sum]
}

export const normLowerings: LoweringTable = {
  MeanVarianceNormalization: meanVariance,
  RMSNormalization: (view) => rmsNormalization(view)!.slice(0, 1),
  // ONNX Runtime writes these two into the standard domain.
  SimplifiedLayerNormalization: rmsNormalization,
  'com.microsoft:SkipLayerNormalization': skipLayerNormalization,
  'com.microsoft:SkipSimplifiedLayerNormalization': skipSimplified,
  'com.microsoft:EmbedLayerNormalization': embedLayerNormalization,
}
