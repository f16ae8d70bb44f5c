import { kernels, type FusedNorm } from '../../../src/plugin.js'
import { projectL1Box } from './l1-box.js'
import { greatest } from './length.js'
import { clampTo, kthLargest } from './vector.js'

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
  /** (sample) room for intermediate values. */
  readonly scratch: Float64Array
}

/** Of the radius in L2 and L1: rounded to float32, a point on the sphere is as often outside, and projected again. */
const inside = 1 - 1e-6

/**
 * z = P(x + η·ascend ∇), x ← P(x + α·(z − x) + (1 − α)·(x − previous)).
 * Source: Croce & Hein 2020, arXiv:2003.01690, eqs. 3 and 4.
 */
export const moves: Readonly<Record<FusedNorm, (move: Move) => void>> = {
  linf: kernels.moveLinf,
  /** Each projection shrinks δ onto the ball, then clips, which only shortens it. */
  l2: ({ epsilon, ...move }) => kernels.moveL2({ ...move, radius: inside * epsilon }),
  /** Sparse steps, without the momentum: Croce & Hein 2021, arXiv:2103.01208, algorithm 2. */
  l1: ({ clean, point, previous, gradient, epsilon, bounds, stepSize, count, scratch }) => {
    const cut = kthLargestSize(gradient, Math.min(Math.max(count, 1), point.length), scratch)
    let chosen = 0
    for (let i = 0; i < point.length; i++)
      if (gradient[i] !== 0 && Math.abs(gradient[i]!) >= cut) chosen++
    const size = chosen > 0 ? stepSize / chosen : 0
    for (let i = 0; i < point.length; i++) {
      const x = point[i]!
      const g = gradient[i]!
      const step = Math.abs(g) >= cut ? size * Math.sign(g) : 0
      scratch[i] = x + step - clean[i]!
      previous[i] = x
    }
    projectL1Box(scratch, clean, inside * epsilon, bounds)
    for (let i = 0; i < point.length; i++) point[i] = clean[i]! + scratch[i]!
  },
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

/** The k-th largest |value|, k from 1 on: of few values, only those over a cut that leaves enough are looked at. */
function kthLargestSize(values: Float32Array, k: number, scratch: Float64Array): number {
  const most = greatest(values)
  for (const share of k < values.length / 8 ? [1 / 2, 1 / 8, 1 / 32, -1] : [-1]) {
    let count = 0
    for (let i = 0; i < values.length; i++) {
      const size = Math.abs(values[i]!)
      if (size > share * most) scratch[count++] = size
    }
    if (count >= k) return kthLargest(scratch.subarray(0, count), k)
  }
  // Not all are numbers.
  return NaN
}
