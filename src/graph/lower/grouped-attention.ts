import type { NodeView } from '../node-view.js'
import { isFixed } from '../shapes.js'
import { ints, tensorOf } from '../tensor.js'
import { attend, causalBias, fixedLength, joinHeads, repeatHeads } from './attend.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { refused } from './ms-attention.js'
import { opsOf } from './ops.js'
import { rotate } from './rotary.js'

/**
 * com.microsoft's GroupQueryAttention (Ainslie et al. 2023, arXiv:2305.13245): causal, heads of keys and values shared
 * by groups of queries. Inputs query, key, value (N, S, heads·D) or all in query, past key and value, last position
 * of each sequence, total length, cosines and sines, positions, a bias of the scores. A sequence that is shorter than
 * S ends early: causality keeps its real tokens from what follows, and what follows has no meaning.
 * Source: ONNX Runtime, ContribOperators.md.
 */
const groupQueryAttention: Lowering = (view) => {
  const { g, x, int, float, shape, info } = view
  refuseOthers(view)
  const ops = opsOf(g, info(x[0]!).dtype)
  const [heads, shared] = [int('num_heads', 1), int('kv_num_heads', 1)]
  const width = Number(shape(x[0]!)[2])
  const size = width / (x[1] ? heads : heads + 2 * shared)
  const length = fixedLength(view, shape(x[0]!)[1]!)
  const [q, k, v] = (
    x[1] ? [x[0]!, x[1], x[2]!] : ops.split(x[0]!, 2, [heads * size, shared * size, shared * size])
  ).map((part, index) => ops.reshape(part, [0, 0, index === 0 ? heads : shared, size])) as [
    string,
    string,
    string,
  ]
  const turned = int('do_rotary', 0) === 1 ? turner(view, size, length) : (rows: string) => rows
  const byHead = (rows: string): string => ops.transpose(rows, [0, 2, 1, 3])
  const [keys, values] = [byHead(turned(k)), byHead(v)]
  const repeated = (value: string): string =>
    repeatHeads(view, value, heads / shared, [shared, length, size])
  const biases = [causalBias(view, length, length, 0, -1e30)]
  const reach = int('local_window_size', -1)
  if (reach > 0) biases.push(windowBias(view, length, reach))
  if (x[10]) biases.push(x[10])
  const { y } = attend(view, {
    q: byHead(turned(q)),
    k: repeated(keys),
    v: repeated(values),
    scale: float('scale', 0) || 1 / Math.sqrt(size),
    biases,
    softcap: float('softcap', 0),
  })
  return [joinHeads(view, y, heads * size), keys, values]
}

/** Turns (N, S, heads, D) by the angles of its positions. */
function turner(view: NodeView, size: number, length: number): (rows: string) => string {
  const { g, x, int, shape, info } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const [cos, sin] = [x[7]!, x[8]!].map((cache) =>
    x[9]
      ? ops.unsqueeze(g.emit('Gather', [cache, x[9]]), 2)
      : ops.unsqueeze(ops.slice(cache, 0, 0, length), 1),
  ) as [string, string]
  const half = Number(shape(x[7]!)[1])
  const isInterleaved = int('rotary_interleaved', 0) === 1
  return (rows) => rotate(ops, { rows, size, cos, sin, half, isInterleaved })
}

/** (S, S): a query sees itself and the `reach` − 1 keys before it. */
function windowBias(view: NodeView, length: number, reach: number): string {
  const values = Array.from({ length: length * length }, (_, k) =>
    Math.floor(k / length) - (k % length) < reach ? 0 : -1e30,
  )
  return view.g.constant(tensorOf(view.info(view.x[0]!).dtype, [length, length], values), 'window')
}

function refuseOthers(view: NodeView): void {
  const { x, y, int, shape } = view
  const past = x[3] ? shape(x[3])[2]! : 0
  if (!isFixed(past) || past > 0) throw refused(view, 'keys and values of the past')
  if (x.slice(11).some(Boolean) || int('smooth_softmax', 0) > 0)
    throw refused(view, 'a softmax with a sink, or a quantized cache')
  if (y[3]) throw refused(view, 'the scores as an output')
  if (x[9] && !countsUp(view, x[9]))
    throw refused(view, 'positions that are no constant p, p + 1, … alike for all sequences')
}

/** Some versions of ONNX Runtime read each position, others the first alone: then both mean the same. */
function countsUp({ g, shape }: NodeView, places: string): boolean {
  const tensor = g.initializer(places)
  const length = Number(shape(places)[1])
  if (!tensor) return false
  const [first, ...rest] = ints(tensor)
  return rest.every((place, k) => place === first! + ((k + 1) % length))
}

export const groupedAttentions: LoweringTable = {
  'com.microsoft:GroupQueryAttention': groupQueryAttention,
}
