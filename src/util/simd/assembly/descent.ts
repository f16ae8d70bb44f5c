import {
  bytes,
  clamp,
  demote,
  greatestWithin,
  high,
  leastWithin,
  low,
  signed,
  sumOf,
} from './lanes'
import { stepFrom } from './moves'
import { squareOf } from './values'

/**
 * point ← clean + P(point − clean + size·∇/‖∇‖₂): P onto the sphere (`onto` 0) or into the ball (1) of L2, or into that of
 * L∞ (2). `room` is for δ.
 */
export function stepAlong(
  point: usize,
  clean: usize,
  gradient: usize,
  room: usize,
  n: i32,
  size: f64,
  onto: i32,
  radius: f64,
): void {
  const end = bytes(n)
  stepFrom(clean, point, gradient, room, n, size / max(sqrt(squareOf(gradient, n)), 1e-30))
  if (onto == 2) {
    const most = f32x4.splat(<f32>radius)
    for (let i: usize = 0; i < end; i += 16) {
      const delta = clamp(v128.load(room + i), f32x4.neg(most), most)
      v128.store(point + i, f32x4.add(v128.load(clean + i), delta))
    }
    return
  }
  const length = max(sqrt(squareOf(room, n)), 1e-30)
  const factor = f32x4.splat(onto == 0 || length > radius ? <f32>(radius / length) : 1)
  for (let i: usize = 0; i < end; i += 16) {
    const delta = f32x4.mul(factor, v128.load(room + i))
    v128.store(point + i, f32x4.add(v128.load(clean + i), delta))
  }
}

/** Moments and values of Adam, in place. */
export function adam(
  values: usize,
  mean: usize,
  variance: usize,
  gradient: usize,
  n: i32,
  size: f32,
  correction: f32,
): void {
  const step = f32x4.splat(size)
  const root = f32x4.splat(correction)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const g = v128.load(gradient + i)
    const before = f32x4.mul(f32x4.splat(0.9), v128.load(mean + i))
    const m = f32x4.add(before, f32x4.mul(f32x4.splat(0.1), g))
    const kept = f32x4.mul(f32x4.splat(0.999), v128.load(variance + i))
    const v = f32x4.add(kept, f32x4.mul(f32x4.splat(0.001), f32x4.mul(g, g)))
    const under = f32x4.add(f32x4.mul(f32x4.sqrt(v), root), f32x4.splat(1e-8))
    v128.store(mean + i, m)
    v128.store(variance + i, v)
    const move = f32x4.div(f32x4.mul(step, m), under)
    v128.store(values + i, f32x4.sub(v128.load(values + i), move))
  }
}

/**
 * eˣ for |x| ≤ 80: 2ᵏ·eʳ with k = round(x / ln 2), |r| ≤ ln 2 / 2, and eʳ by its series to r⁷ / 7!, whose rest is 5·10⁻⁹.
 */
function exp(x: v128): v128 {
  const k = f32x4.nearest(f32x4.mul(x, f32x4.splat(Math.LOG2E as f32)))
  // ln 2 in two parts, the first of few bits, so that k times it is exact.
  const near = f32x4.sub(x, f32x4.mul(k, f32x4.splat(0.693359375)))
  const r = f32x4.add(near, f32x4.mul(k, f32x4.splat(2.1219444e-4)))
  let sum = f32x4.splat(1.0 / 5040)
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.0 / 720))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.0 / 120))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.0 / 24))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.0 / 6))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(0.5))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1))
  const exponent = i32x4.add(i32x4.trunc_sat_f32x4_s(k), i32x4.splat(127))
  return f32x4.mul(sum, i32x4.shl(exponent, 23))
}

/** out ← least + half·(tanh w + 1). */
export function fromTanh(w: usize, out: usize, n: i32, least: f32, half: f32): void {
  const most = f32x4.splat(40)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const e = exp(f32x4.mul(f32x4.splat(2), clamp(v128.load(w + i), f32x4.neg(most), most)))
    // tanh w + 1 = 2 − 2/(e²ʷ + 1)
    const rest = f32x4.div(f32x4.splat(2), f32x4.add(e, f32x4.splat(1)))
    const share = f32x4.sub(f32x4.splat(2), rest)
    v128.store(out + i, f32x4.add(f32x4.splat(least), f32x4.mul(f32x4.splat(half), share)))
  }
}

/** slope ← (2d − pull·∇)·2u(1 − u), d = (point − clean)/width, u = (point − least)/width. @returns Σ d² */
export function tanhSlope(
  clean: usize,
  point: usize,
  gradient: usize,
  slope: usize,
  n: i32,
  least: f32,
  width: f32,
  pull: f32,
): f64 {
  const unit = f32x4.splat(1 / width)
  const bottom = f32x4.splat(least)
  const two = f32x4.splat(2)
  let total = f64x2.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const p = v128.load(point + i)
    const d = f32x4.mul(f32x4.sub(p, v128.load(clean + i)), unit)
    const u = f32x4.mul(f32x4.sub(p, bottom), unit)
    total = f64x2.add(total, f64x2.mul(low(d), low(d)))
    total = f64x2.add(total, f64x2.mul(high(d), high(d)))
    const byPoint = f32x4.sub(
      f32x4.mul(two, d),
      f32x4.mul(f32x4.splat(pull), v128.load(gradient + i)),
    )
    const byW = f32x4.mul(f32x4.mul(two, u), f32x4.sub(f32x4.splat(1), u))
    v128.store(slope + i, f32x4.mul(byPoint, byW))
  }
  return sumOf(total)
}

/**
 * With d = y − clean: x ← clip(clean + S(d − step·(2d − pull·∇))), S shrinking towards 0 by theta, and
 * y ← x + momentum·(x − x before).
 */
export function shrinkStep(
  y: usize,
  x: usize,
  clean: usize,
  gradient: usize,
  n: i32,
  step: f32,
  pull: f32,
  theta: f32,
  momentum: f32,
  least: f32,
  most: f32,
): void {
  const cut = f32x4.splat(theta)
  const minus = i32x4.splat(i32.MIN_VALUE)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const c = v128.load(clean + i)
    const d = f32x4.sub(v128.load(y + i), c)
    const attack = f32x4.mul(f32x4.splat(pull), v128.load(gradient + i))
    const slope = f32x4.sub(f32x4.mul(f32x4.splat(2), d), attack)
    const moved = f32x4.sub(d, f32x4.mul(f32x4.splat(step), slope))
    const rest = f32x4.pmax(f32x4.sub(f32x4.abs(moved), cut), f32x4.splat(0))
    const shrunk = v128.or(rest, v128.and(moved, minus))
    const next = clamp(f32x4.add(c, shrunk), f32x4.splat(least), f32x4.splat(most))
    const beyond = f32x4.mul(f32x4.splat(momentum), f32x4.sub(next, v128.load(x + i)))
    v128.store(y + i, f32x4.add(next, beyond))
    v128.store(x + i, next)
  }
}

/** Σ d² + beta·|d|, d = (point − clean)/width. */
export function elasticNet(point: usize, clean: usize, n: i32, width: f64, beta: f64): f64 {
  let squares = f64x2.splat(0)
  let sizes = f64x2.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const p = v128.load(point + i)
    const c = v128.load(clean + i)
    const one = f64x2.sub(low(p), low(c))
    const other = f64x2.sub(high(p), high(c))
    squares = f64x2.add(squares, f64x2.add(f64x2.mul(one, one), f64x2.mul(other, other)))
    sizes = f64x2.add(sizes, f64x2.add(f64x2.abs(one), f64x2.abs(other)))
  }
  return sumOf(squares) / (width * width) + (beta * sumOf(sizes)) / width
}

/**
 * g ← decay·g + pace·∇, at ← P(at + step·scale·sign g), point ← P(at + step·decay·scale·g), P as in `moveLinf`.
 */
export function stepAhead(
  at: usize,
  momentum: usize,
  gradient: usize,
  clean: usize,
  scale: usize,
  point: usize,
  n: i32,
  step: f32,
  decay: f32,
  pace: f64,
  radius: f32,
  bottom: f32,
  top: f32,
  isScaled: bool,
): void {
  const share = f64x2.splat(pace)
  let size = f32x4.splat(step)
  let reach = f32x4.splat(radius)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const c = v128.load(clean + i)
    if (isScaled) {
      const factor = v128.load(scale + i)
      size = f32x4.mul(f32x4.splat(step), factor)
      reach = f32x4.mul(f32x4.splat(radius), factor)
    }
    const least = f32x4.pmax(leastWithin(c, reach), f32x4.splat(bottom))
    const most = f32x4.pmin(greatestWithin(c, reach), f32x4.splat(top))
    const slope = v128.load(gradient + i)
    const now = demote(f64x2.mul(share, low(slope)), f64x2.mul(share, high(slope)))
    const g = f32x4.add(f32x4.mul(f32x4.splat(decay), v128.load(momentum + i)), now)
    const x = clamp(f32x4.add(v128.load(at + i), signed(size, g)), least, most)
    v128.store(momentum + i, g)
    v128.store(at + i, x)
    const lead = f32x4.mul(f32x4.mul(size, f32x4.splat(decay)), g)
    v128.store(point + i, clamp(f32x4.add(x, lead), least, most))
  }
}
