import { GauntletError } from '../../errors.js'
import { tensorOf } from '../tensor.js'
import { isFixed, type Size } from '../shapes.js'
import type { NodeView } from '../node-view.js'
import { opsOf } from './ops.js'

export interface Heads {
  /** (N, heads, S, D) */
  readonly q: string
  /** (N, heads, T, D) */
  readonly k: string
  readonly v: string
  readonly scale: number
  /** Added to the scores (…, S, T), in this order. */
  readonly biases: readonly string[]
  readonly softcap?: number
  /** 1 where a query may see a key, else 0 (…, S, T): a query that may see none gets zeros. */
  readonly allowed?: readonly string[]
}

/** softmax(q·kᵀ·scale + biases)·v (Vaswani et al. 2017, arXiv:1706.03762, equation 1), and its stages. */
export function attend(view: NodeView, heads: Heads): { y: string; stages: string[] } {
  const { g, info, x } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const raw = ops.scale(ops.matmul(heads.q, ops.transpose(heads.k, [0, 1, 3, 2])), heads.scale)
  const cap = heads.softcap ?? 0
  const capped = cap > 0 ? ops.scale(ops.unary('Tanh', ops.scale(raw, 1 / cap)), cap) : raw
  const masked = heads.biases.reduce((sum, bias) => ops.add(sum, bias), capped)
  const weights = (heads.allowed ?? []).reduce(ops.mul, ops.softmax(masked))
  return { y: ops.matmul(weights, heads.v), stages: [raw, capped, masked, weights] }
}

/** (N, S, heads·D) → (N, heads, S, D). */
export function splitHeads(view: NodeView, value: string, heads: number, size: number): string {
  const ops = opsOf(view.g, view.info(view.x[0]!).dtype)
  return ops.transpose(ops.reshape(value, [0, 0, heads, size]), [0, 2, 1, 3])
}

/** (N, heads, S, D) → (N, S, heads·D). */
export function joinHeads(view: NodeView, value: string, width: number): string {
  const ops = opsOf(view.g, view.info(view.x[0]!).dtype)
  return ops.reshape(ops.transpose(value, [0, 2, 1, 3]), [0, 0, width])
}

/** Each of the heads `times` times in a row: (N, h, T, D) → (N, h·times, T, D). */
export function repeatHeads(
  view: NodeView,
  value: string,
  times: number,
  [heads, length, size]: readonly [number, number, number],
): string {
  if (times === 1) return value
  const { g } = view
  const ops = opsOf(g, view.info(view.x[0]!).dtype)
  const wide = g.emit('Expand', [ops.unsqueeze(value, 2), g.ints([1, 1, times, 1, 1])])
  return ops.reshape(wide, [0, heads * times, length, size])
}

/** (S, T): `free` where key j ≤ query i + `past`, else `masked`. */
export function causalBias(
  view: NodeView,
  queries: Size,
  keys: Size,
  past: number,
  masked: number,
  free = 0,
): string {
  const [S, T] = [fixedLength(view, queries), fixedLength(view, keys)]
  const values = Array.from({ length: S * T }, (_, k) =>
    k % T <= Math.floor(k / T) + past ? free : masked,
  )
  return view.g.constant(tensorOf(view.info(view.x[0]!).dtype, [S, T], values), 'causal')
}

/** `free` where a mask (bool, or an integer above 0) is set, else `masked`; of the mask's shape. */
export function maskBias(view: NodeView, mask: string, masked: number, free = 0): string {
  const { g, info, x } = view
  const { dtype } = info(x[0]!)
  const set =
    info(mask).dtype === 'bool' ? mask : g.emit('Greater', [mask, g.scalar(0, info(mask).dtype)])
  return g.emit('Where', [set, g.scalar(free, dtype), g.scalar(masked, dtype)])
}

export function fixedLength({ node }: NodeView, size: Size): number {
  if (isFixed(size)) return size
  throw new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
    what: `${node.op} is differentiated for sequences of a fixed length`,
    where: `node ${node.name}`,
    got: 'a length that follows the batch',
    fix: 'export the model with a fixed sequence length',
  })
}
