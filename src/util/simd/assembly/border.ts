import { bytes, greatestOf, high, low, sumOf } from './lanes'
import { greatest } from './values'

/** Σ w·(to − from). */
function gain(w: usize, from: usize, to: usize, n: i32): f64 {
  let even = f64x2.splat(0)
  let odd = f64x2.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const slope = v128.load(w + i)
    const a = v128.load(from + i)
    const b = v128.load(to + i)
    even = f64x2.add(even, f64x2.mul(low(slope), f64x2.sub(low(b), low(a))))
    odd = f64x2.add(odd, f64x2.mul(high(slope), f64x2.sub(high(b), high(a))))
  }
  return sumOf(even) + sumOf(odd)
}

/**
 * How far a value can go along the sign of `way` until a bound stops it, the interval being `middle` ± `half`: a few ulps off,
 * which the host mends. Of what is outside, as it stands behind a sample whose interval has no 0: not at all.
 */
function roomOf(x: v128, way: v128, half: v128, middle: v128): v128 {
  const minus = i32x4.splat(i32.MIN_VALUE)
  const room = f32x4.add(half, v128.xor(f32x4.sub(middle, x), v128.and(way, minus)))
  return f32x4.pmax(room, f32x4.splat(0))
}

/** So many vectors are summed in float32 before their sum goes into one of float64. */
const run: usize = 32

/** What a pass over all values found: w·δ, its slope in t, and ‖δ‖. */
let gained: f64 = 0
let slope: f64 = 0
let length: f64 = 0

/** In L∞: δ = min(t, room). */
function lookLinf(x: usize, w: usize, n: i32, t: f32, flip: v128, half: v128, middle: v128): void {
  const now = f32x4.splat(t)
  let slopes = f64x2.splat(0)
  let gains = f64x2.splat(0)
  for (let from: usize = 0, end = bytes(n); from < end; from += 16 * run) {
    let rise = f32x4.splat(0)
    let gain = f32x4.splat(0)
    for (let i = from, to = min(from + 16 * run, end); i < to; i += 16) {
      const value = v128.load(w + i)
      const size = f32x4.abs(value)
      const room = roomOf(v128.load(x + i), v128.xor(value, flip), half, middle)
      rise = f32x4.add(rise, v128.and(size, f32x4.lt(now, room)))
      gain = f32x4.add(gain, f32x4.mul(size, f32x4.pmin(now, room)))
    }
    slopes = f64x2.add(slopes, f64x2.add(low(rise), high(rise)))
    gains = f64x2.add(gains, f64x2.add(low(gain), high(gain)))
  }
  slope = sumOf(slopes)
  gained = sumOf(gains)
  length = t
}

/** In L2: δ = min(t·|w|, room). */
function lookL2(x: usize, w: usize, n: i32, t: f32, flip: v128, half: v128, middle: v128): void {
  const now = f32x4.splat(t)
  let slopes = f64x2.splat(0)
  let gains = f64x2.splat(0)
  let squares = f64x2.splat(0)
  for (let from: usize = 0, end = bytes(n); from < end; from += 16 * run) {
    let rise = f32x4.splat(0)
    let gain = f32x4.splat(0)
    let square = f32x4.splat(0)
    for (let i = from, to = min(from + 16 * run, end); i < to; i += 16) {
      const value = v128.load(w + i)
      const size = f32x4.abs(value)
      const room = roomOf(v128.load(x + i), v128.xor(value, flip), half, middle)
      const reach = f32x4.mul(now, size)
      const far = f32x4.pmin(reach, room)
      rise = f32x4.add(rise, v128.and(f32x4.mul(size, size), f32x4.lt(reach, room)))
      gain = f32x4.add(gain, f32x4.mul(size, far))
      square = f32x4.add(square, f32x4.mul(far, far))
    }
    slopes = f64x2.add(slopes, f64x2.add(low(rise), high(rise)))
    gains = f64x2.add(gains, f64x2.add(low(gain), high(gain)))
    squares = f64x2.add(squares, f64x2.add(low(square), high(square)))
  }
  slope = sumOf(slopes)
  gained = sumOf(gains)
  length = sqrt(sumOf(squares))
}

/**
 * t of w·δ = |need|, δ along ± sign w: Newton's method from 0, which never passes the root, for w·δ is concave in t and
 * piecewise linear; it ends on its piece, or where the box ends before the plane. `length` is that of δ.
 */
function toPlane(
  x: usize,
  w: usize,
  n: i32,
  need: f64,
  isLinf: bool,
  half: v128,
  middle: v128,
): f64 {
  const wanted = abs(need)
  const flip = i32x4.splat(need < 0 ? i32.MIN_VALUE : 0)
  let t: f64 = 0
  for (let round = 0; round < mostRounds; round++) {
    if (isLinf) lookLinf(x, w, n, <f32>t, flip, half, middle)
    else lookL2(x, w, n, <f32>t, flip, half, middle)
    if (wanted - gained <= 3e-7 * wanted || !(slope > 0)) break
    t += (wanted - gained) / slope
  }
  if (isLinf && !(slope > 0)) length = farthest(x, w, n, <f32>t, flip, half, middle)
  return t
}

/** Each piece of the way has a round, and pictures have few; this is against rounding that would go round in circles. */
const mostRounds = 50

/** max min(t, room) of the values that move. */
function farthest(x: usize, w: usize, n: i32, t: f32, flip: v128, half: v128, middle: v128): f64 {
  let most = f32x4.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const value = v128.load(w + i)
    const room = roomOf(v128.load(x + i), v128.xor(value, flip), half, middle)
    const moves = f32x4.ne(value, f32x4.splat(0))
    most = f32x4.pmax(most, v128.and(f32x4.pmin(f32x4.splat(t), room), moves))
  }
  return greatestOf(most)
}

/** δ at t. */
function stepAt(
  t: v128,
  x: v128,
  value: v128,
  flip: v128,
  isLinf: bool,
  half: v128,
  middle: v128,
): v128 {
  const minus = i32x4.splat(i32.MIN_VALUE)
  const way = v128.xor(value, flip)
  const reach = isLinf ? t : f32x4.mul(t, f32x4.abs(value))
  const far = f32x4.pmin(reach, roomOf(x, way, half, middle))
  return v128.and(v128.xor(far, v128.and(way, minus)), f32x4.ne(value, f32x4.splat(0)))
}

/** Divides by the greatest |w|: squares of small values leave float32. @returns what it multiplied with */
function toUnit(w: usize, n: i32): f64 {
  const most = greatest(w, n)
  // Under that there is no gradient to speak of.
  const factor: f32 = most > 1e-37 ? 1 / most : 0
  for (let i: usize = 0, end = bytes(n); i < end; i += 16)
    v128.store(w + i, f32x4.mul(v128.load(w + i), f32x4.splat(factor)))
  return factor
}

/**
 * One step of FAB to the plane { z : f + w·(z − x) = 0 }, f being `gap`:
 * x ← (1 − α)·(x + η·δx) + α·(c + η·δc), α = min(‖δx‖ / (‖δx‖ + ‖δc‖), alphaMax).
 */
export function fabStep(
  point: usize,
  clean: usize,
  w: usize,
  n: i32,
  gap: f64,
  alphaMax: f64,
  overshoot: f32,
  isLinf: bool,
  least: f32,
  most: f32,
): void {
  const half = f32x4.splat(0.5 * (most - least))
  const middle = f32x4.splat(0.5 * (most + least))
  gap *= toUnit(w, n)
  const back = -(gap + gain(w, point, clean, n))
  const fromPoint = toPlane(point, w, n, -gap, isLinf, half, middle)
  const one = length
  const fromClean = toPlane(clean, w, n, back, isLinf, half, middle)
  const alpha = one + length > 0 ? min(one / (one + length), alphaMax) : 0
  const here = f32x4.splat(<f32>(1 - alpha))
  const there = f32x4.splat(<f32>alpha)
  const farther = f32x4.splat(overshoot)
  const flipPoint = i32x4.splat(-gap < 0 ? i32.MIN_VALUE : 0)
  const flipClean = i32x4.splat(back < 0 ? i32.MIN_VALUE : 0)
  const tPoint = f32x4.splat(<f32>fromPoint)
  const tClean = f32x4.splat(<f32>fromClean)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const x = v128.load(point + i)
    const c = v128.load(clean + i)
    const value = v128.load(w + i)
    const byPoint = stepAt(tPoint, x, value, flipPoint, isLinf, half, middle)
    const byClean = stepAt(tClean, c, value, flipClean, isLinf, half, middle)
    const a = f32x4.mul(here, f32x4.add(x, f32x4.mul(farther, byPoint)))
    const b = f32x4.mul(there, f32x4.add(c, f32x4.mul(farther, byClean)))
    v128.store(point + i, f32x4.add(a, b))
  }
}
