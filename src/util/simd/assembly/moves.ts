import {
  blank,
  bytes,
  clamp,
  demote,
  greatestWithin,
  high,
  leastWithin,
  low,
  signed,
} from './lanes'
import { squareOf } from './values'

/**
 * z = P(x + step·scale·sign ∇), x ← P(x + share·(z − x) + (1 − share)·(x − previous)); previous ← x. P is the box of
 * radius·scale around `clean`, within the bounds. Without a scale it is 1.
 */
export function moveLinf(
  point: usize,
  previous: usize,
  gradient: usize,
  clean: usize,
  scale: usize,
  n: i32,
  step: f32,
  share: f32,
  radius: f32,
  bottom: f32,
  top: f32,
  isScaled: bool,
): void {
  const ahead = f32x4.splat(share)
  const rest = f32x4.splat(1 - share)
  let size = f32x4.splat(step)
  let reach = f32x4.splat(radius)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const x = v128.load(point + i)
    const g = v128.load(gradient + i)
    const c = v128.load(clean + i)
    if (isScaled) {
      const factor = v128.load(scale + i)
      size = f32x4.mul(f32x4.splat(step), factor)
      reach = f32x4.mul(f32x4.splat(radius), factor)
    }
    const least = f32x4.pmax(leastWithin(c, reach), f32x4.splat(bottom))
    const most = f32x4.pmin(greatestWithin(c, reach), f32x4.splat(top))
    const z = clamp(f32x4.add(x, signed(size, g)), least, most)
    const along = f32x4.mul(ahead, f32x4.sub(z, x))
    const before = f32x4.mul(rest, f32x4.sub(x, v128.load(previous + i)))
    v128.store(previous + i, x)
    v128.store(point + i, clamp(f32x4.add(x, f32x4.add(along, before)), least, most))
  }
}

/** room ← point − clean + pace·∇; in float64, for a short gradient has a pace that no float32 holds. */
export function stepFrom(
  clean: usize,
  point: usize,
  gradient: usize,
  room: usize,
  n: i32,
  pace: f64,
): void {
  const share = f64x2.splat(pace)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const g = v128.load(gradient + i)
    const ahead = demote(f64x2.mul(share, low(g)), f64x2.mul(share, high(g)))
    const delta = f32x4.sub(v128.load(point + i), v128.load(clean + i))
    v128.store(room + i, f32x4.add(delta, ahead))
  }
}

function shrinkage(square: f64, radius: f64): f32 {
  const reach = sqrt(square)
  return reach > radius ? <f32>(radius / reach) : 1
}

/**
 * The same move in L2, with P(x) = clip(c + δ·min(1, radius/‖δ‖)) for both projections and a step of length `step`.
 * `room` is for δ.
 */
export function moveL2(
  point: usize,
  previous: usize,
  gradient: usize,
  clean: usize,
  room: usize,
  n: i32,
  step: f64,
  share: f32,
  radius: f64,
  least: f32,
  most: f32,
): void {
  const end = bytes(n)
  const length = sqrt(squareOf(gradient, n))
  stepFrom(clean, point, gradient, room, n, length > 0 ? step / length : 0)
  const first = f32x4.splat(shrinkage(squareOf(room, n), radius))
  const forth = f32x4.splat(share)
  const rest = f32x4.splat(1 - share)
  const bottom = f32x4.splat(least)
  const top = f32x4.splat(most)
  for (let i: usize = 0; i < end; i += 16) {
    const x = v128.load(point + i)
    const c = v128.load(clean + i)
    const z = clamp(f32x4.add(c, f32x4.mul(first, v128.load(room + i))), bottom, top)
    const along = f32x4.mul(forth, f32x4.sub(z, x))
    const before = f32x4.mul(rest, f32x4.sub(x, v128.load(previous + i)))
    v128.store(room + i, f32x4.add(f32x4.sub(x, c), f32x4.add(along, before)))
    v128.store(previous + i, x)
  }
  // Where 0 is no value of the interval, the clamp has made one of what stands behind the sample.
  blank(room, n)
  const second = f32x4.splat(shrinkage(squareOf(room, n), radius))
  for (let i: usize = 0; i < end; i += 16) {
    const next = f32x4.add(v128.load(clean + i), f32x4.mul(second, v128.load(room + i)))
    v128.store(point + i, clamp(next, bottom, top))
  }
}
