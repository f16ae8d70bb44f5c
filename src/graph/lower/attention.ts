import type { NodeView } from '../node-view.js'
import {
  attend,
  causalBias,
  fixedLength,
  joinHeads,
  maskBias,
  repeatHeads,
  splitHeads,
} from './attend.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/** Lower than any score, and far from what float16 cannot hold. */
const never = (view: NodeView): number => (view.info(view.x[0]!).dtype === 'float16' ? -6e4 : -1e30)

/**
 * ai.onnx Attention (23): q, k, v of rank 3 or 4, a mask, key and value of the past; heads of k and v are shared by
 * groups of q's. Source: ONNX Operators.md, Attention.
 */
const attention: Lowering = (view) => {
  const { x, y, int, float, shape, info, g } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const is3d = shape(x[0]!).length === 3
  const headsOf = (index: number, attr: string): number =>
    is3d ? int(attr, 1) : Number(shape(x[index]!)[1])
  const [qHeads, kvHeads] = [headsOf(0, 'q_num_heads'), headsOf(1, 'kv_num_heads')]
  const sizeOf = (index: number, heads: number): number =>
    Number(shape(x[index]!).at(-1)) / (is3d ? heads : 1)
  const [size, vSize] = [sizeOf(0, qHeads), sizeOf(2, kvHeads)]
  const heads = (index: number, count: number, width: number): string =>
    is3d ? splitHeads(view, x[index]!, count, width) : x[index]!
  const past = x[4] ? fixedLength(view, shape(x[4])[2]!) : 0
  const behind = (before: string | undefined, now: string): string =>
    before ? ops.concat([before, now], 2) : now
  const k = behind(x[4], heads(1, kvHeads, size))
  const v = behind(x[5], heads(2, kvHeads, vSize))
  const queries = shape(x[0]!).at(-2)!
  const length = (): number => past + fixedLength(view, shape(x[1]!).at(-2)!)
  const shared = qHeads / kvHeads
  const repeated = (value: string, width: number): string =>
    shared === 1 ? value : repeatHeads(view, value, shared, [kvHeads, length(), width])
  const biases = x[3]
    ? [info(x[3]).dtype === 'bool' ? maskBias(view, x[3], never(view)) : x[3]]
    : []
  if (int('is_causal', 0) === 1) biases.push(causalBias(view, queries, length(), past, never(view)))
  const { y: mixed, stages } = attend(view, {
    q: heads(0, qHeads, size),
    k: repeated(k, size),
    v: repeated(v, vSize),
    scale: float('scale', 0) || 1 / Math.sqrt(size),
    biases,
    softcap: float('softcap', 0),
  })
  const result = is3d ? joinHeads(view, mixed, qHeads * vSize) : mixed
  return [result, k, v, y[3] ? stages[int('qk_matmul_output_mode', 0)]! : '']
}

/**
 * Rotary position embedding (Su et al. 2021, arXiv:2104.09864, equation 34): pairs (a, b) of a head become
 * (a·cos − b·sin, a·sin + b·cos). X (N, heads, S, D) or (N, S, heads·D).
 */
function rotate(
  view: NodeView,
  { cos, sin, places }: { cos: string; sin: string; places: string | undefined },
): string {
  const { g, x, int, shape, info } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const is3d = shape(x[0]!).length === 3
  const width = Number(shape(x[0]!).at(-1))
  const half = Number(shape(cos).at(-1))
  const rotary = 2 * half
  const heads = is3d ? int('num_heads', 0) || width / rotary : Number(shape(x[0]!)[1])
  const size = is3d ? width / heads : width
  // (N, S, heads, D)
  const rows = is3d ? ops.reshape(x[0]!, [0, 0, heads, size]) : ops.transpose(x[0]!, [0, 2, 1, 3])
  const angle = (cache: string): string =>
    ops.unsqueeze(places ? g.emit('Gather', [cache, places]) : cache, 2)
  const [c, s] = [angle(cos), angle(sin)]
  const isInterleaved = int('interleaved', 0) === 1
  const turning = size === rotary ? rows : ops.slice(rows, 3, 0, rotary)
  const pairs = isInterleaved ? ops.reshape(turning, [0, 0, 0, half, 2]) : turning
  const part = (k: number): string =>
    isInterleaved
      ? ops.reshape(ops.slice(pairs, 4, k, k + 1), [0, 0, 0, half])
      : ops.slice(pairs, 3, k * half, (k + 1) * half)
  const [a, b] = [part(0), part(1)]
  const first = ops.sub(ops.mul(a, c), ops.mul(b, s))
  const second = ops.add(ops.mul(a, s), ops.mul(b, c))
  const turned = isInterleaved
    ? ops.reshape(ops.concat([ops.unsqueeze(first, 4), ops.unsqueeze(second, 4)], 4), [
        0,
        0,
        0,
        rotary,
      ])
    : ops.concat([first, second], 3)
  const whole = size === rotary ? turned : ops.concat([turned, ops.slice(rows, 3, rotary, size)], 3)
  return is3d ? ops.reshape(whole, [0, 0, width]) : ops.transpose(whole, [0, 2, 1, 3])
}

export const attentionLowerings: LoweringTable = {
  Attention: attention,
  RotaryEmbedding: (view) => {
    const [, cos, sin, places] = view.x
    return [rotate(view, { cos: cos!, sin: sin!, places: places || undefined })]
  },
  // Positions come second there, and may be one number: where the sequence starts.
  'com.microsoft:RotaryEmbedding': (view) => {
    const [, places, cos, sin] = view.x
    if (view.shape(places!).length !== 2 || view.float('scale', 1) !== 1) return null
    return [rotate(view, { cos: cos!, sin: sin!, places })]
  },
}
