import { roundDown } from '../float32.js'
import { inward, run, take, type Interval } from './memory.js'

/** What a step with momentum reads and writes: `point` becomes the next point and `previous` the current one. */
export interface Move {
  readonly point: Float32Array
  readonly previous: Float32Array
  readonly gradient: Float32Array
  readonly stepSize: number
  /** α: the share of the new direction; the rest is the last move's. */
  readonly share: number
}

/** A ball of L∞ around a sample, within the bounds: where values may go, rounded inward. */
export interface Box {
  readonly clean: Float32Array
  readonly radius: number
  readonly bounds: Interval
  /** Factors on radius and steps, one a value; absent: 1. */
  readonly scale?: Float32Array | undefined
}

/** What loops take of a box behind the samples, and then behind their own numbers. */
export const boxSamples = ({ clean, scale }: Box): (Float32Array | undefined)[] => [clean, scale]
export const boxNumbers = ({ radius, bounds, scale }: Box): number[] => [
  roundDown(radius),
  ...inward(bounds),
  Number(scale !== undefined),
]

/**
 * z = P(x + η·scale·sign ∇), x ← P(x + α·(z − x) + (1 − α)·(x − previous)), P being the box.
 * Source: Croce & Hein 2020, arXiv:2003.01690, eqs. 3 and 4.
 */
export function moveLinf({ point, previous, gradient, stepSize, share, ...box }: Move & Box): void {
  const numbers = [stepSize, share, ...boxNumbers(box)]
  run('moveLinf', [point, previous, gradient, ...boxSamples(box)], numbers)
  take(0, point)
  take(1, previous)
}

/** Likewise with z = P(x + η·∇/‖∇‖₂), P being first the ball of the radius around `clean`, then the interval. */
export function moveL2({
  point,
  previous,
  gradient,
  clean,
  radius,
  bounds,
  stepSize,
  share,
}: Move & {
  readonly clean: Float32Array
  readonly radius: number
  readonly bounds: Interval
}): void {
  const numbers = [stepSize, share, radius, ...inward(bounds)]
  run('moveL2', [point, previous, gradient, clean], numbers, { rooms: 1 })
  take(0, point)
  take(1, previous)
}

/**
 * x ← P(x + η·s), s = sign ∇ over their number where |∇| is among the `count` largest and 0 elsewhere, P as `projectL1`.
 * Source: Croce & Hein 2021, arXiv:2103.01208, algorithm 2: sparse steps, without the momentum.
 */
export function moveL1({
  point,
  previous,
  gradient,
  clean,
  radius,
  bounds,
  stepSize,
  count,
}: Omit<Move, 'share'> & {
  readonly clean: Float32Array
  readonly radius: number
  readonly bounds: Interval
  readonly count: number
}): void {
  const numbers = [Math.max(1, count), stepSize, radius, ...inward(bounds)]
  run('moveL1', [point, previous, gradient, clean], numbers, { rooms: 1 })
  take(0, point)
  take(1, previous)
}

/** A border, linear around `point`: { z : gap + w·(z − point) = 0 }, and where points may be. */
export interface Border {
  readonly clean: Float32Array
  readonly w: Float32Array
  readonly gap: number
  readonly isLinf: boolean
  readonly bounds: Interval
}

/**
 * x ← (1 − α)·(x + η·δx) + α·(c + η·δc): δx and δc are the least steps from x and from c to the border within the bounds;
 * where there are none, those that come nearest to it. α = min(‖δx‖ / (‖δx‖ + ‖δc‖), alphaMax).
 *
 * In L∞ δᵢ = min(t, roomᵢ) and in L2 δᵢ = min(t·|wᵢ|, roomᵢ), along ± sign wᵢ, for one t of all values: the root of
 * Σ |wᵢδᵢ| = need, concave and piecewise linear in t, so Newton's method from 0 never passes it, and ends on its piece.
 * Source: Croce & Hein 2020, arXiv:1907.02044, section 2.2, eq. 7 and the problems (3) and (4) of its appendix.
 */
export function stepToBorder(
  point: Float32Array,
  { clean, w, gap, isLinf, bounds }: Border,
  { alphaMax, overshoot }: { readonly alphaMax: number; readonly overshoot: number },
): void {
  const numbers = [gap, alphaMax, overshoot, Number(isLinf), ...inward(bounds)]
  run('fabStep', [point, clean, w], numbers)
  take(0, point)
}
