import { inward, run, take, type Interval } from './memory.js'

/**
 * Euclidean projection of `delta` onto { ‖δ‖₁ ≤ radius } ∩ { low ≤ clean + δ ≤ high }, in place. It is longer than the radius by a
 * ten-millionth of it at most, and shorter by what float32 cannot tell apart: much where λ is many times the radius. Unlike the projection onto the ball and then the box it leaves no room unused: δᵢ = sign dᵢ · min(max(|dᵢ| − λ, 0),
 * cᵢ), where cᵢ is the way to the bound and λ ≥ 0 the least with ‖δ‖₁ ≤ radius. Without bounds it is that onto the ball.
 * Source: Croce & Hein 2021, arXiv:2103.01208, proposition 2.1; λ by Newton's method between brackets.
 */
export function projectL1(
  delta: Float32Array,
  clean: Float32Array,
  radius: number,
  bounds: Interval = [-Infinity, Infinity],
): void {
  run('projectL1', [delta, clean], [radius, ...inward(bounds)])
  take(0, delta)
}
