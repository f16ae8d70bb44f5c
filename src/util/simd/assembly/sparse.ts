import { bytes, clamp, countOf, high, low, signed, sumOf } from './lanes'
import { stepFrom } from './moves'
import { greatest, squareOf } from './values'

/** How many |v| are at least `cut`, which is over 0. */
function countFrom(values: usize, n: i32, cut: f32): i32 {
  const least = f32x4.splat(cut)
  let count = i32x4.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16)
    count = i32x4.sub(count, f32x4.ge(f32x4.abs(v128.load(values + i)), least))
  return countOf(count)
}

/** The least number over 0. */
const tiny = reinterpret<f32>(1)

/** How many |v| reach the cut that `cutAt` found. */
let reached: i32 = 0

/**
 * A cut that the `k` largest |v| reach and others only if they are equal to the least of those; over 0, so that fewer may.
 * By halves of the numbers between, which float32 counts in order of their bits.
 */
function cutAt(values: usize, n: i32, k: i32): f32 {
  let least = reinterpret<i32>(tiny)
  let most = reinterpret<i32>(greatest(values, n)) + 1
  reached = countFrom(values, n, tiny)
  if (reached <= k) return tiny
  // Most lie within a factor of 64 of the greatest.
  let middle = max(least + 1, most - (6 << 23))
  while (most - least > 1) {
    const count = countFrom(values, n, reinterpret<f32>(middle))
    if (count >= k) {
      least = middle
      reached = count
      if (count == k) break
    } else most = middle
    middle = least + ((most - least) >> 1)
  }
  return reinterpret<f32>(least)
}

/** How far a change can go until a bound stops it; of a clean value that is outside, not at all. */
function roomOf(change: v128, clean: v128, least: v128, most: v128): v128 {
  const isUp = f32x4.gt(change, f32x4.splat(0))
  const room = v128.bitselect(f32x4.sub(most, clean), f32x4.sub(clean, least), isUp)
  return f32x4.pmax(room, f32x4.splat(0))
}

/** So many vectors are summed in float32 before their sum goes into one of float64. */
const run: usize = 8

/** What a pass found: Σ min(|δ| − λ, room) where |δ| > λ, and its slope in λ. */
let total: f64 = 0
let slope: i32 = 0

function look(delta: usize, clean: usize, n: i32, cut: f32, least: v128, most: v128): void {
  const theta = f32x4.splat(cut)
  let totals = f64x2.splat(0)
  let free = i32x4.splat(0)
  for (let from: usize = 0, end = bytes(n); from < end; from += 16 * run) {
    let part = f32x4.splat(0)
    for (let i = from, to = min(from + 16 * run, end); i < to; i += 16) {
      const change = v128.load(delta + i)
      const rest = f32x4.sub(f32x4.abs(change), theta)
      const room = roomOf(change, v128.load(clean + i), least, most)
      const counts = f32x4.gt(rest, f32x4.splat(0))
      part = f32x4.add(part, v128.and(f32x4.pmin(rest, room), counts))
      free = i32x4.sub(free, v128.and(f32x4.lt(rest, room), counts))
    }
    totals = f64x2.add(totals, f64x2.add(low(part), high(part)))
  }
  total = sumOf(totals)
  slope = countOf(free)
}

/** The next float32 from a number that is not negative: with it, a length is at most what was asked for. */
function roundUp(value: f64): f64 {
  const near = <f32>value
  return near < value ? reinterpret<f32>(reinterpret<i32>(near) + 1) : near
}

/**
 * δ ← sign δ · min(max(|δ| − λ, 0), room), λ ≥ 0 the least with ‖δ‖₁ ≤ radius: by Newton's method from 0 between brackets.
 * Each round either lands on the root's piece, and then on the root, or halves the bracket.
 */
export function projectL1(
  delta: usize,
  clean: usize,
  n: i32,
  radius: f64,
  bottom: f32,
  top: f32,
): void {
  const least = f32x4.splat(bottom)
  const most = f32x4.splat(top)
  let lambda: f64 = 0
  let from: f64 = 0
  let to: f64 = greatest(delta, n)
  for (let round = 0; round < 60; round++) {
    look(delta, clean, n, <f32>lambda, least, most)
    const excess = total - radius
    if (round == 0 && excess <= 0) break
    const slack = 1e-7 * radius
    if (excess <= slack && excess >= -slack - 1.2e-7 * lambda * <f64>slope) break
    if (excess > 0) from = lambda
    else to = lambda
    if (to - from <= 2.4e-7 * to) {
      lambda = to
      break
    }
    const next = slope > 0 ? roundUp(lambda + excess / slope) : NaN
    lambda = next > from && next < to ? next : roundUp(0.5 * (from + to))
  }
  const cut = f32x4.splat(<f32>lambda)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const change = v128.load(delta + i)
    const rest = f32x4.pmax(f32x4.sub(f32x4.abs(change), cut), f32x4.splat(0))
    const room = roomOf(change, v128.load(clean + i), least, most)
    v128.store(delta + i, signed(f32x4.pmin(rest, room), change))
  }
}

/**
 * Of the changes, into the bounds, those `count` that bring the point nearest to what was asked: the gain of keeping c
 * instead of 0 is δ² − (δ − c)². Of equal ones the first. `gains` is room for them.
 */
export function keepTop(
  delta: usize,
  clean: usize,
  gains: usize,
  n: i32,
  count: i32,
  bottom: f32,
  top: f32,
): void {
  const end = bytes(n)
  for (let i: usize = 0; i < end; i += 16) {
    const change = v128.load(delta + i)
    const x = v128.load(clean + i)
    const clipped = clamp(change, f32x4.sub(f32x4.splat(bottom), x), f32x4.sub(f32x4.splat(top), x))
    const gain = f32x4.mul(clipped, f32x4.sub(f32x4.add(change, change), clipped))
    v128.store(delta + i, clipped)
    // What stands behind the sample has none.
    v128.store(gains + i, f32x4.pmax(gain, f32x4.splat(0)))
  }
  const cut = count > 0 ? cutAt(gains, n, count) : Infinity
  const least = f32x4.splat(<f32>cut)
  for (let i: usize = 0; i < end; i += 16) {
    const change = v128.load(delta + i)
    // What is no number is the host's to mend, and to tell.
    const stays = v128.or(f32x4.ge(v128.load(gains + i), least), f32x4.ne(change, change))
    v128.store(delta + i, v128.and(change, stays))
  }
  if (count <= 0) return
  for (let i = end, over = reached - count; over > 0;) {
    i -= 4
    if (load<f32>(gains + i) != cut) continue
    store<f32>(delta + i, 0)
    over--
  }
}

/**
 * previous ← x, x ← clean + P(x + step·s − clean), s = sign ∇ over their number where |∇| is among the `count` largest,
 * and P as `projectL1`. `room` is for δ.
 */
export function moveL1(
  point: usize,
  previous: usize,
  gradient: usize,
  clean: usize,
  room: usize,
  n: i32,
  count: i32,
  step: f32,
  radius: f64,
  bottom: f32,
  top: f32,
): void {
  const end = bytes(n)
  const cut = f32x4.splat(cutAt(gradient, n, count))
  const size = f32x4.splat(reached > 0 ? step / <f32>reached : 0)
  for (let i: usize = 0; i < end; i += 16) {
    const x = v128.load(point + i)
    const g = v128.load(gradient + i)
    const ahead = v128.and(signed(size, g), f32x4.ge(f32x4.abs(g), cut))
    v128.store(previous + i, x)
    v128.store(room + i, f32x4.sub(f32x4.add(x, ahead), v128.load(clean + i)))
  }
  projectL1(room, clean, n, radius, bottom, top)
  for (let i: usize = 0; i < end; i += 16)
    v128.store(point + i, f32x4.add(v128.load(clean + i), v128.load(room + i)))
}

/**
 * point ← clean + P(point − clean + size·∇/‖∇‖₂), P being the projection onto the ball of L1, or onto changes of `radius`
 * values within the bounds. `room` is for δ, `gains` for what those gain.
 */
export function stepSparse(
  point: usize,
  clean: usize,
  gradient: usize,
  room: usize,
  gains: usize,
  n: i32,
  size: f64,
  isL0: bool,
  radius: f64,
  bottom: f32,
  top: f32,
): void {
  stepFrom(clean, point, gradient, room, n, size / max(sqrt(squareOf(gradient, n)), 1e-30))
  if (isL0) keepTop(room, clean, gains, n, <i32>radius, bottom, top)
  else projectL1(room, clean, n, radius, bottom, top)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16)
    v128.store(point + i, f32x4.add(v128.load(clean + i), v128.load(room + i)))
}
