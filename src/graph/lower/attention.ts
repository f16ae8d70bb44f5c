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
  const isBool = x[3] !== undefined && x[3] !== '' && info(x[3]).dtype === 'bool'
  const biases = x[3] ? [isBool ? maskBias(view, x[3], never(view)) : x[3]] : []
  const causal = (masked: number, free = 0): string =>
    causalBias(view, queries, length(), past, masked, free)
  const isCausal = int('is_causal', 0) === 1
  if (isCausal) biases.push(causal(never(view)))
  // No row of a causal mask alone is empty.
  const seen = isBool ? [maskBias(view, x[3]!, 0, 1), ...(isCausal ? [causal(0, 1)] : [])] : []
  const { y: mixed, stages } = attend(view, {
    q: heads(0, qHeads, size),
    k: repeated(k, size),
    v: repeated(v, vSize),
    scale: float('scale', 0) || 1 / Math.sqrt(size),
    biases,
    allowed: seen,
    softcap: float('softcap', 0),
  })
  const result = is3d ? joinHeads(view, mixed, qHeads * vSize) : mixed
  return [result, k, v, y[3] ? stages[int('qk_matmul_output_mode', 0)]! : '']
}

export const attentionLowerings: LoweringTable = { Attention: attention }
