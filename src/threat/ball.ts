import type { Rng } from '../util/rng.js'
import {
  box as boxAround,
  clampBetween,
  distanceL1,
  distanceL2,
  distanceLinf,
  lean,
  projectL1,
} from '../util/simd/kernels.js'
import type { Norm, ThreatModel } from './threat-model.js'

/**
 * ‖a − b‖ in float64.
 * @param a, b - one sample each, same length; differences of float32 values are exact in float64
 */
export function distance(norm: Norm, a: Float32Array, b: Float32Array): number {
  // In all of them NaN makes NaN.
  let total = 0
  const n = a.length
  switch (norm) {
    case 'linf':
      return distanceLinf(a, b)
    case 'l2':
      return distanceL2(a, b)
    case 'l1':
      return distanceL1(a, b)
    case 'l0':
      for (let i = 0; i < n; i++) {
        const d = Math.abs(a[i]! - b[i]!)
        total += d > 0 ? 1 : d
      }
      return total
    case 'severity':
      for (let i = 0; i < n; i++) {
        const d = Math.abs(a[i]! - b[i]!)
        total = Math.max(total, d > 0 ? 1 : d)
      }
      return total
  }
}

/**
 * The box around `x` that is ball ∩ bounds in L∞, per value, rounded inward: every float32 in it is within
 * epsilon in exact arithmetic.
 */
export function box(
  x: Float32Array,
  threat: ThreatModel,
  lower: Float32Array,
  upper: Float32Array,
): void {
  boxAround(x, lower, upper, threat.epsilon, threat.bounds)
}

/**
 * Euclidean projection of `point` onto the L2, L1 or L0 ball around `x`, then clipping to the bounds (which never
 * lengthens a perturbation of a point inside them). In place. For L∞ clamp to the `box`.
 * Source for L1: Duchi et al. 2008, "Efficient projections onto the l1-ball", eq. 3; θ as `projectL1` finds it.
 */
export function project(threat: ThreatModel, x: Float32Array, point: Float32Array): void {
  const { norm, epsilon } = threat
  if (norm === 'l0') keepLargest(x, point, Math.floor(epsilon))
  if (norm === 'l1' && distance(norm, point, x) > epsilon) {
    const delta = point.map((value, i) => value - x[i]!)
    projectL1(delta, x, epsilon)
    for (let i = 0; i < x.length; i++) point[i] = x[i]! + delta[i]!
  }
  // Each value is rounded to float32, which can lengthen δ again: then once more, a little shorter. Where epsilon is
  // less than the float32s around x can tell apart, this ends at x itself.
  for (let slack = 1e-7; ; slack = Math.min(4 * slack, 1)) {
    const length = distance(norm, point, x)
    if (!(length > epsilon)) break
    lean(point, x, (epsilon / length) * (1 - slack))
  }
  clampBetween(point, x, threat.bounds)
}

/** The `count` largest changes stay (of equal ones the first), the rest goes back to `x`. In place. */
export function keepLargest(x: Float32Array, point: Float32Array, count: number): void {
  const changed: number[] = []
  for (let i = 0; i < x.length; i++) if (point[i] !== x[i]) changed.push(i)
  if (changed.length <= count) return
  const size = (i: number): number => Math.abs(point[i]! - x[i]!)
  changed.sort((a, b) => size(b) - size(a) || a - b)
  for (const i of changed.slice(count)) point[i] = x[i]!
}

/** A uniform draw from the ball around `x`, up to rounding, and not yet confined to the bounds. */
export function randomInBall(
  threat: ThreatModel,
  x: Float32Array,
  rng: Rng,
  out: Float32Array,
): void {
  const { norm, epsilon } = threat
  if (norm === 'severity') throw new Error('there is no ball of severity to draw from')
  if (norm === 'l0') {
    out.set(x)
    const [low, high] = threat.bounds
    // So many values of a random order, each anywhere within the bounds.
    const order = Int32Array.from(x.keys())
    for (let k = 0; k < Math.min(Math.floor(epsilon), x.length); k++) {
      const other = k + rng.below(x.length - k)
      const i = order[other]!
      order[other] = order[k]!
      out[i] = low + (high - low) * rng.uniform()
    }
  } else if (norm === 'linf') {
    rng.fillUniform(out, -epsilon, epsilon)
    for (let i = 0; i < x.length; i++) out[i]! += x[i]!
  } else {
    // Direction uniform on the sphere, radius by volume; for L1 exponential gaps make a simplex point.
    let total = 0
    const draw = new Float64Array(x.length)
    for (let i = 0; i < x.length; i++) {
      const value = norm === 'l2' ? rng.normal() : -Math.log(1 - rng.uniform())
      total += norm === 'l2' ? value * value : value
      draw[i] = norm === 'l1' && rng.uniform() < 0.5 ? -value : value
    }
    const length = norm === 'l2' ? Math.sqrt(total) : total
    // Every draw can be 0, if rarely: a direction it is not, but the centre belongs to the ball.
    const radius = length > 0 ? (epsilon * rng.uniform() ** (1 / x.length)) / length : 0
    for (let i = 0; i < x.length; i++) out[i] = x[i]! + draw[i]! * radius
  }
}
