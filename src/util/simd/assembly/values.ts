import { bytes, clamp, demote, greatestOf, high, low, sumOf, within } from './lanes'

/**
 * Each value into its interval, NaN to the clean value first.
 * @returns 1 where a value has changed, 2 besides where one was not finite
 */
export function clampWithin(point: usize, clean: usize, lower: usize, upper: usize, n: i32): i32 {
  let changed = i32x4.splat(0)
  let strange = i32x4.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const value = v128.load(point + i)
    const number = v128.bitselect(value, v128.load(clean + i), f32x4.eq(value, value))
    const next = clamp(number, v128.load(lower + i), v128.load(upper + i))
    // Not zero for NaN and infinity alone.
    strange = v128.or(strange, f32x4.ne(f32x4.sub(value, value), f32x4.splat(0)))
    changed = v128.or(changed, f32x4.ne(next, value))
    v128.store(point + i, next)
  }
  return i32(v128.any_true(changed)) | (i32(v128.any_true(strange)) << 1)
}

/** Likewise, of the same interval for all. */
export function clampBetween(point: usize, clean: usize, n: i32, least: f32, most: f32): i32 {
  let changed = i32x4.splat(0)
  let strange = i32x4.splat(0)
  const bottom = f32x4.splat(least)
  const top = f32x4.splat(most)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const value = v128.load(point + i)
    const number = v128.bitselect(value, v128.load(clean + i), f32x4.eq(value, value))
    const next = clamp(number, bottom, top)
    strange = v128.or(strange, f32x4.ne(f32x4.sub(value, value), f32x4.splat(0)))
    changed = v128.or(changed, f32x4.ne(next, value))
    v128.store(point + i, next)
  }
  return i32(v128.any_true(changed)) | (i32(v128.any_true(strange)) << 1)
}

/** Whether every value is in the interval: a NaN is not. */
export function isBetween(point: usize, n: i32, least: f32, most: f32): bool {
  let all = i32x4.splat(-1)
  const bottom = f32x4.splat(least)
  const top = f32x4.splat(most)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const value = v128.load(point + i)
    all = v128.and(all, within(value, bottom, top))
  }
  return i32x4.all_true(all)
}

/** max |v|; of values that are not numbers nothing is said. */
export function greatest(values: usize, n: i32): f32 {
  let most = f32x4.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16)
    most = f32x4.pmax(most, f32x4.abs(v128.load(values + i)))
  return greatestOf(most)
}

/** max |a − b|; NaN if there is one. */
export function distanceLinf(a: usize, b: usize, n: i32): f64 {
  let most = f64x2.splat(0)
  let numbers = i32x4.splat(-1)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const x = v128.load(a + i)
    const y = v128.load(b + i)
    const far = f32x4.sub(x, y)
    numbers = v128.and(numbers, f32x4.eq(far, far))
    most = f64x2.pmax(most, f64x2.abs(f64x2.sub(low(x), low(y))))
    most = f64x2.pmax(most, f64x2.abs(f64x2.sub(high(x), high(y))))
  }
  if (!i32x4.all_true(numbers)) return NaN
  return max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1))
}

/** Σ (a − b)². */
export function squaredDistance(a: usize, b: usize, n: i32): f64 {
  let even = f64x2.splat(0)
  let odd = f64x2.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const x = v128.load(a + i)
    const y = v128.load(b + i)
    const one = f64x2.sub(low(x), low(y))
    const other = f64x2.sub(high(x), high(y))
    even = f64x2.add(even, f64x2.mul(one, one))
    odd = f64x2.add(odd, f64x2.mul(other, other))
  }
  return sumOf(even) + sumOf(odd)
}

/** Σ |a − b|. */
export function distanceL1(a: usize, b: usize, n: i32): f64 {
  let even = f64x2.splat(0)
  let odd = f64x2.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const x = v128.load(a + i)
    const y = v128.load(b + i)
    even = f64x2.add(even, f64x2.abs(f64x2.sub(low(x), low(y))))
    odd = f64x2.add(odd, f64x2.abs(f64x2.sub(high(x), high(y))))
  }
  return sumOf(even) + sumOf(odd)
}

/** point ← clean + factor·(point − clean), rounded once, then into the interval. */
export function lean(point: usize, clean: usize, n: i32, factor: f64, least: f32, most: f32): void {
  const share = f64x2.splat(factor)
  const bottom = f32x4.splat(least)
  const top = f32x4.splat(most)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const x = v128.load(clean + i)
    const p = v128.load(point + i)
    const first = f64x2.add(low(x), f64x2.mul(f64x2.sub(low(p), low(x)), share))
    const last = f64x2.add(high(x), f64x2.mul(f64x2.sub(high(p), high(x)), share))
    const next = demote(first, last)
    v128.store(point + i, clamp(next, bottom, top))
  }
}

/** point ← clean + (point − clean) within ± reach, into the interval. */
export function clipAround(
  point: usize,
  clean: usize,
  n: i32,
  reach: f32,
  least: f32,
  most: f32,
): void {
  const far = f32x4.splat(reach)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const c = v128.load(clean + i)
    const change = clamp(f32x4.sub(v128.load(point + i), c), f32x4.neg(far), far)
    v128.store(point + i, clamp(f32x4.add(c, change), f32x4.splat(least), f32x4.splat(most)))
  }
}

/** Σ v². */
export function squareOf(values: usize, n: i32): f64 {
  let even = f64x2.splat(0)
  let odd = f64x2.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const value = v128.load(values + i)
    const first = low(value)
    const last = high(value)
    even = f64x2.add(even, f64x2.mul(first, first))
    odd = f64x2.add(odd, f64x2.mul(last, last))
  }
  return sumOf(even) + sumOf(odd)
}

/** Σ |v|. */
export function lengthL1(values: usize, n: i32): f64 {
  let even = f64x2.splat(0)
  let odd = f64x2.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const value = f32x4.abs(v128.load(values + i))
    even = f64x2.add(even, low(value))
    odd = f64x2.add(odd, high(value))
  }
  return sumOf(even) + sumOf(odd)
}

/** out ← a + factor·b, into the interval. */
export function along(
  a: usize,
  b: usize,
  out: usize,
  n: i32,
  factor: f32,
  least: f32,
  most: f32,
): void {
  const share = f32x4.splat(factor)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const next = f32x4.add(v128.load(a + i), f32x4.mul(share, v128.load(b + i)))
    v128.store(out + i, clamp(next, f32x4.splat(least), f32x4.splat(most)))
  }
}

/** sum ← sum + factor·(a − b). */
export function addDifference(sum: usize, a: usize, b: usize, n: i32, factor: f32): void {
  const share = f32x4.splat(factor)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const difference = f32x4.sub(v128.load(a + i), v128.load(b + i))
    v128.store(sum + i, f32x4.add(v128.load(sum + i), f32x4.mul(share, difference)))
  }
}
