import { bytes, demote, high, low, neighbour, sumOf, within } from './lanes'

/** a − b > epsilon in exact arithmetic, by the rounding error of the difference (Knuth's TwoSum). */
function isFarther(a: v128, b: v128, epsilon: v128): v128 {
  const difference = f64x2.sub(a, b)
  const back = f64x2.sub(difference, a)
  const rest = f64x2.sub(f64x2.sub(a, f64x2.sub(difference, back)), f64x2.add(b, back))
  const isTie = f64x2.eq(difference, epsilon)
  const isOver = f64x2.gt(rest, f64x2.splat(0))
  return v128.or(f64x2.gt(difference, epsilon), v128.and(isTie, isOver))
}

/** Of two pairs of 64-bit masks one of four lanes. */
function narrow(first: v128, last: v128): v128 {
  return v128.shuffle<i32>(first, last, 0, 2, 4, 6)
}

/**
 * lower, upper ← the least and the greatest float32 within epsilon of each value in exact arithmetic, and within the
 * interval. The nearest float32 to the sum is one of theirs, or their neighbour.
 */
export function box(
  clean: usize,
  lower: usize,
  upper: usize,
  n: i32,
  epsilon: f64,
  bottom: f32,
  top: f32,
): void {
  const reach = f64x2.splat(epsilon)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const x = v128.load(clean + i)
    const first = low(x)
    const last = high(x)
    const least = demote(f64x2.sub(first, reach), f64x2.sub(last, reach))
    const most = demote(f64x2.add(first, reach), f64x2.add(last, reach))
    const isUnder = narrow(isFarther(first, low(least), reach), isFarther(last, high(least), reach))
    const isOver = narrow(isFarther(low(most), first, reach), isFarther(high(most), last, reach))
    const from = v128.bitselect(neighbour(least, true), least, isUnder)
    const to = v128.bitselect(neighbour(most, false), most, isOver)
    v128.store(lower + i, f32x4.pmax(f32x4.splat(bottom), from))
    v128.store(upper + i, f32x4.pmin(f32x4.splat(top), to))
  }
}

/** Whether every |point − clean|, in float64, is at most epsilon and every value in the interval: a NaN is not. */
export function isInBox(
  point: usize,
  clean: usize,
  n: i32,
  epsilon: f64,
  bottom: f32,
  top: f32,
): bool {
  const reach = f64x2.splat(epsilon)
  const least = f32x4.splat(bottom)
  const most = f32x4.splat(top)
  let all = i32x4.splat(-1)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const p = v128.load(point + i)
    const c = v128.load(clean + i)
    // Without a branch: values at epsilon itself are anywhere.
    const first = f64x2.le(f64x2.abs(f64x2.sub(low(p), low(c))), reach)
    const last = f64x2.le(f64x2.abs(f64x2.sub(high(p), high(c))), reach)
    all = v128.and(all, v128.and(within(p, least, most), v128.and(first, last)))
  }
  return i32x4.all_true(all)
}

/** Σ (point − clean)², or Σ |point − clean|; NaN where a value is not in the interval. */
export function reachWithin(
  point: usize,
  clean: usize,
  n: i32,
  isL2: bool,
  bottom: f32,
  top: f32,
): f64 {
  const least = f32x4.splat(bottom)
  const most = f32x4.splat(top)
  let all = i32x4.splat(-1)
  let even = f64x2.splat(0)
  let odd = f64x2.splat(0)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const p = v128.load(point + i)
    const c = v128.load(clean + i)
    all = v128.and(all, within(p, least, most))
    const first = f64x2.sub(low(p), low(c))
    const last = f64x2.sub(high(p), high(c))
    even = f64x2.add(even, isL2 ? f64x2.mul(first, first) : f64x2.abs(first))
    odd = f64x2.add(odd, isL2 ? f64x2.mul(last, last) : f64x2.abs(last))
  }
  return i32x4.all_true(all) ? sumOf(even) + sumOf(odd) : NaN
}
