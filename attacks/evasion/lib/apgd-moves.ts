import { kernels, type FusedNorm } from '../../../src/plugin.js'

/** What a move reads and writes: `point` becomes the next point and `previous` the current one. */
export interface Move {
  readonly clean: Float32Array
  readonly point: Float32Array
  readonly previous: Float32Array
  readonly gradient: Float32Array
  readonly radius: number
  /** L∞: how far each value goes, in radii. */
  readonly scale: Float32Array | undefined
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
  l2: ({ radius, ...move }) => kernels.moveL2({ ...move, radius: inside * radius }),
  l1: ({ radius, ...move }) => kernels.moveL1({ ...move, radius: inside * radius }),
}

/** Factors on radius and steps; undefined where all are 1, as they are but for tables. */
export const factorsOf = (scale: Float32Array): Float32Array | undefined =>
  scale.every((factor) => factor === 1) ? undefined : scale
