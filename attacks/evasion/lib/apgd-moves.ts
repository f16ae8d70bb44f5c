import { kernels, type FusedNorm } from '../../../src/plugin.js'
import { clampTo } from './vector.js'

/** What a move reads and writes: `point` becomes the next point and `previous` the current one. */
export interface Move {
  readonly clean: Float32Array
  /** L∞: the box of `boxOf`. */
  readonly lower: Float32Array
  readonly upper: Float32Array
  readonly point: Float32Array
  readonly previous: Float32Array
  readonly gradient: Float32Array
  readonly epsilon: number
  /** L∞: how far each value goes, in epsilons. */
  readonly scale: Float32Array
  readonly bounds: readonly [number, number]
  readonly stepSize: number
  /** α: the share of the new direction; the rest is the last move's. */
  readonly share: number
  /** L1: how many values a step may change. */
  readonly count: number
}

/** Of the radius in L2 and L1: rounded to float32, a point on the sphere is as often outside, and projected again. */
export const inside = 1 - 1e-6

/**
 * z = P(x + η·ascend ∇), x ← P(x + α·(z − x) + (1 − α)·(x − previous)).
 * Source: Croce & Hein 2020, arXiv:2003.01690, eqs. 3 and 4.
 */
export const moves: Readonly<Record<FusedNorm, (move: Move) => void>> = {
  linf: kernels.moveLinf,
  /** Each projection shrinks δ onto the ball, then clips, which only shortens it. */
  l2: ({ epsilon, ...move }) => kernels.moveL2({ ...move, radius: inside * epsilon }),
  l1: ({ epsilon, ...move }) => kernels.moveL1({ ...move, radius: inside * epsilon }),
}

/** L∞: where each value may go, in float32, as the host's box is, or every other point would be put back by rounding. */
export function boxOf(
  clean: Float32Array,
  epsilon: number,
  scale: Float32Array,
  [low, high]: readonly [number, number],
): { lower: Float32Array; upper: Float32Array } {
  const lower = new Float32Array(clean.length)
  const upper = new Float32Array(clean.length)
  for (let i = 0; i < clean.length; i++) {
    const reach = epsilon * scale[i]!
    lower[i] = clampTo(Math.fround(clean[i]! - reach), low, high)
    upper[i] = clampTo(Math.fround(clean[i]! + reach), low, high)
  }
  return { lower, upper }
}
