import type { NodeView } from '../node-view.js'
import type { LoweringTable } from './lowering.js'
import { opsOf, type Ops } from './ops.js'

export interface Rotation {
  /** (N, S, heads, D) */
  readonly rows: string
  /** D. */
  readonly size: number
  /** Cosines and sines, (N, S, 1, half) or what broadcasts to that. */
  readonly cos: string
  readonly sin: string
  /** Half of what is turned of each head; the rest stays. */
  readonly half: number
  readonly isInterleaved: boolean
}

/**
 * Rotary position embedding (Su et al. 2021, arXiv:2104.09864, equation 34): pairs (a, b) of a head become
 * (a·cos − b·sin, a·sin + b·cos).
 */
export function rotate(ops: Ops, { rows, size, cos, sin, half, isInterleaved }: Rotation): string {
  const rotary = 2 * half
  const turning = size === rotary ? rows : ops.slice(rows, 3, 0, rotary)
  const pairs = isInterleaved ? ops.reshape(turning, [0, 0, 0, half, 2]) : turning
  const part = (k: number): string =>
    isInterleaved
      ? ops.reshape(ops.slice(pairs, 4, k, k + 1), [0, 0, 0, half])
      : ops.slice(pairs, 3, k * half, (k + 1) * half)
  const [a, b] = [part(0), part(1)]
  const first = ops.sub(ops.mul(a, cos), ops.mul(b, sin))
  const second = ops.add(ops.mul(a, sin), ops.mul(b, cos))
  const turned = isInterleaved
    ? ops.reshape(ops.concat([ops.unsqueeze(first, 4), ops.unsqueeze(second, 4)], 4), [
        0,
        0,
        0,
        rotary,
      ])
    : ops.concat([first, second], 3)
  return size === rotary ? turned : ops.concat([turned, ops.slice(rows, 3, rotary, size)], 3)
}

interface Caches {
  readonly cos: string
  readonly sin: string
  /** (N, S), or none where the caches are per sample already. */
  readonly places: string | undefined
}

/** X (N, heads, S, D) or (N, S, heads·D). */
function embed(view: NodeView, { cos, sin, places }: Caches): string {
  const { g, x, int, shape, info } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const is3d = shape(x[0]!).length === 3
  const width = Number(shape(x[0]!).at(-1))
  const half = Number(shape(cos).at(-1))
  const heads = is3d ? int('num_heads', 0) || width / (2 * half) : Number(shape(x[0]!)[1])
  const size = is3d ? width / heads : width
  const rows = is3d ? ops.reshape(x[0]!, [0, 0, heads, size]) : ops.transpose(x[0]!, [0, 2, 1, 3])
  const angle = (cache: string): string =>
    ops.unsqueeze(places ? g.emit('Gather', [cache, places]) : cache, 2)
  const whole = rotate(ops, {
    rows,
    size,
    cos: angle(cos),
    sin: angle(sin),
    half,
    isInterleaved: int('interleaved', 0) === 1,
  })
  return is3d ? ops.reshape(whole, [0, 0, width]) : ops.transpose(whole, [0, 2, 1, 3])
}

export const rotaryLowerings: LoweringTable = {
  RotaryEmbedding: (view) => {
    const [, cos, sin, places] = view.x
    return [embed(view, { cos: cos!, sin: sin!, places: places || undefined })]
  },
  // Positions come second there, and may be one number: where the sequence starts.
  'com.microsoft:RotaryEmbedding': (view) => {
    const [, places, cos, sin] = view.x
    if (view.shape(places!).length !== 2 || view.float('scale', 1) !== 1) return null
    return [embed(view, { cos: cos!, sin: sin!, places })]
  },
}
