/** Four lanes of float32, and two of float64. */

/** Σ of a pair of float64. */
export function sumOf(pair: v128): f64 {
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1)
}

export function low(value: v128): v128 {
  return f64x2.promote_low_f32x4(value)
}

export function high(value: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(value, value, 2, 3, 2, 3))
}

/** Four float64 as float32. */
export function demote(first: v128, last: v128): v128 {
  return v128.shuffle<i32>(
    f32x4.demote_f64x2_zero(first),
    f32x4.demote_f64x2_zero(last),
    0,
    1,
    4,
    5,
  )
}

/** Into the interval; NaN stays. `pmin` and `pmax` are one instruction, `min` and `max` half a dozen. */
export function clamp(value: v128, least: v128, most: v128): v128 {
  return f32x4.pmin(f32x4.pmax(value, least), most)
}

/** Which lanes are in the interval: a NaN is not. */
export function within(value: v128, least: v128, most: v128): v128 {
  return v128.and(f32x4.ge(value, least), f32x4.le(value, most))
}

/** Σ of four counts. */
export function countOf(counts: v128): i32 {
  const pairs = i32x4.add(counts, v128.shuffle<i32>(counts, counts, 2, 3, 0, 1))
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)
}

export function bytes(n: i32): usize {
  return (<usize>n) << 2
}

/** Zeros behind a sample's n values, where a loop has left something that would count in a length. */
export function blank(values: usize, n: i32): void {
  for (let i = n; i & 3; i++) store<f32>(values + bytes(i), 0)
}

/** The greatest lane. */
export function greatestOf(value: v128): f32 {
  const pair = f32x4.pmax(value, v128.shuffle<i32>(value, value, 2, 3, 0, 1))
  return max(f32x4.extract_lane(pair, 0), f32x4.extract_lane(pair, 1))
}

/** size·sign(way), of sizes that are not negative; 0 where `way` is. */
export function signed(size: v128, way: v128): v128 {
  const minus = i32x4.splat(i32.MIN_VALUE)
  return v128.and(v128.or(v128.and(way, minus), size), f32x4.ne(way, f32x4.splat(0)))
}

/** The next float32 up (`up`) or down of each lane, but for +0 down and −0 up, which nobody asks for: sums of 0 are exact, or too small on that side. */
export function neighbour(value: v128, up: bool): v128 {
  const away = v128.or(i32x4.shr_s(value, 31), i32x4.splat(1))
  return up ? i32x4.add(value, away) : i32x4.sub(value, away)
}

/**
 * The least float32 that is not below clean − reach, by what rounding took from the sum (Dekker's FastTwoSum). That is exact
 * where |clean| is at least the reach; elsewhere it may be one float32 farther, which the host mends.
 */
export function leastWithin(clean: v128, reach: v128): v128 {
  const sum = f32x4.sub(clean, reach)
  const isBelow = f32x4.gt(f32x4.sub(clean, sum), reach)
  return v128.bitselect(neighbour(sum, true), sum, isBelow)
}

/** Likewise the greatest that is not above clean + reach. */
export function greatestWithin(clean: v128, reach: v128): v128 {
  const sum = f32x4.add(clean, reach)
  const isAbove = f32x4.gt(f32x4.sub(sum, clean), reach)
  return v128.bitselect(neighbour(sum, false), sum, isAbove)
}
