import { GauntletError } from '../../errors.js'
import type { NodeView } from '../node-view.js'
import { attend, causalBias, fixedLength, joinHeads, maskBias, splitHeads } from './attend.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/** com.microsoft's attentions. Source: ONNX Runtime, ContribOperators.md. */

/** A mask of keys (N, T) or of pairs (N, S, T), or one that fits the scores already, as a bias of them. */
function keyBias(view: NodeView, mask: string): string {
  const ops = opsOf(view.g, view.info(view.x[0]!).dtype)
  const rank = view.shape(mask).length
  const bias = maskBias(view, mask, view.float('mask_filter_value', -10000))
  if (rank === 2) return ops.unsqueeze(bias, 1, 2)
  if (rank === 3) return ops.unsqueeze(bias, 1)
  throw refused(view, `a mask of rank ${rank}`)
}

export const refused = ({ node }: NodeView, got: string): GauntletError =>
  new GauntletError('GNT_GRAD_NO_RULE', {
    what: `a form of ${node.op} that has no gradient rule`,
    where: `node ${node.name}`,
    got,
    fix: 'use the model from before the optimiser of ONNX Runtime',
  })

/** inputs X (N, S, D), weights (D, 3·H), bias, mask, past, attention bias. */
const attention: Lowering = (view) => {
  const { g, x, y, int, float, ints, shape, info } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const heads = int('num_heads', 1)
  if (x[4] || y[1]) throw refused(view, 'keys and values of the past')
  if (int('do_rotary', 0) === 1) throw refused(view, 'do_rotary')
  const total = Number(shape(x[1]!)[1])
  const [q, k, v] = ints('qkv_hidden_sizes') ?? [total / 3, total / 3, total / 3]
  const sizes = [q!, k!, v!]
  const projected = ops.matmul(x[0]!, x[1]!)
  const all = x[2] ? ops.add(projected, x[2]) : projected
  const [Q, K, V] = ops
    .split(all, 2, sizes)
    .map((part, index) => splitHeads(view, part, heads, sizes[index]! / heads)) as [
    string,
    string,
    string,
  ]
  const biases = x[3] ? [keyBias(view, x[3])] : []
  if (x[5]) biases.push(x[5])
  const length = shape(x[0]!)[1]!
  if (int('unidirectional', 0) === 1) biases.push(causalBias(view, length, length, 0, -1e30))
  const scale = float('scale', 0) || 1 / Math.sqrt(q! / heads)
  const { y: mixed } = attend(view, { q: Q, k: K, v: V, scale, biases })
  return [joinHeads(view, mixed, v!), '']
}

/**
 * inputs query, key, value (N, S, heads·D), bias, mask of keys, attention bias, past key, past value; key and value may
 * be split in heads already. ONNX Runtime has the packed forms on GPUs only.
 */
const multiHeadAttention: Lowering = (view) => {
  const { g, x, y, int, float, shape, info } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const heads = int('num_heads', 1)
  if (x[8] || x[9]) throw refused(view, 'a cache that is written in place')
  if (shape(x[0]!).length === 5 || !x[2]) throw refused(view, 'packed inputs')
  const widthOf = (value: string): number =>
    shape(value).length === 3 ? Number(shape(value)[2]) : heads * Number(shape(value)[3])
  const width = widthOf(x[0]!)
  const biases = x[3] ? ops.split(x[3], 0, [width, width, widthOf(x[2])]) : []
  const [q, k, v] = x.slice(0, 3).map((value, index) => {
    if (shape(value).length === 4) return value
    const sum = biases[index] ? ops.add(value, biases[index]) : value
    return splitHeads(view, sum, heads, widthOf(value) / heads)
  }) as [string, string, string]
  const behind = (past: string | undefined, now: string): string =>
    past ? ops.concat([past, now], 2) : now
  const [keys, values] = [behind(x[6], k), behind(x[7], v)]
  const ofScores = x[4] ? [keyBias(view, x[4])] : []
  if (x[5]) ofScores.push(x[5])
  if (int('unidirectional', 0) === 1) {
    const past = x[6] ? fixedLength(view, shape(x[6])[2]!) : 0
    const keyCount = past + fixedLength(view, shape(x[1]!).at(-2)!)
    ofScores.push(causalBias(view, shape(x[0]!)[1]!, keyCount, past, -1e30))
  }
  const scale = float('scale', 0) || 1 / Math.sqrt(width / heads)
  const { y: mixed, stages } = attend(view, { q, k: keys, v: values, scale, biases: ofScores })
  return [joinHeads(view, mixed, widthOf(x[2])), keys, values, y[3] ? stages[2]! : '']
}

export const msAttentions: LoweringTable = {
  'com.microsoft:Attention': attention,
  'com.microsoft:MultiHeadAttention': multiHeadAttention,
}
