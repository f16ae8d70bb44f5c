import { inward, run, take, type Interval } from './memory.js'

/** Of `clampWithin` in the module: whether a value has changed, and whether one was not finite. */
const changed = 1
const strange = 2

/** Each value into its interval, in place; NaN becomes the clean value first. @returns whether one was not finite */
export function clampWithin(
  point: Float32Array,
  clean: Float32Array,
  lower: Float32Array,
  upper: Float32Array,
): boolean {
  const flags = run('clampWithin', [point, clean, lower, upper])
  if (flags & changed) take(0, point)
  return (flags & strange) !== 0
}

/** Likewise, of the same interval for all. */
export function clampBetween(
  point: Float32Array,
  clean: Float32Array,
  interval: Interval,
): boolean {
  const flags = run('clampBetween', [point, clean], inward(interval))
  if (flags & changed) take(0, point)
  return (flags & strange) !== 0
}

/** Whether all values are in the interval; a NaN is not. */
export function isBetween(point: Float32Array, interval: Interval): boolean {
  return run('isBetween', [point], inward(interval), { pad: point[0]! }) !== 0
}

/** Whether all values are in the interval and the point within epsilon of `clean`, as distances are measured; a NaN is not. */
export function isInBall(
  norm: 'linf' | 'l2' | 'l1',
  point: Float32Array,
  clean: Float32Array,
  epsilon: number,
  interval: Interval,
): boolean {
  // What stands behind the values, of both the same.
  const options = { pad: point[0]! }
  if (norm === 'linf')
    return run('isInBox', [point, clean], [epsilon, ...inward(interval)], options) !== 0
  const numbers = [Number(norm === 'l2'), ...inward(interval)]
  const reach = run('reachWithin', [point, clean], numbers, options)
  return (norm === 'l2' ? Math.sqrt(reach) : reach) <= epsilon
}

/**
 * lower, upper ← the least and the greatest float32 that are within epsilon of each value, in exact arithmetic, and within
 * the interval.
 */
export function box(
  clean: Float32Array,
  lower: Float32Array,
  upper: Float32Array,
  epsilon: number,
  interval: Interval,
): void {
  run('box', [clean], [epsilon, ...inward(interval)], { rooms: 2 })
  take(1, lower)
  take(2, upper)
}

/** max |aᵢ − bᵢ|, exact; NaN where there is one. */
export function distanceLinf(a: Float32Array, b: Float32Array): number {
  return run('distanceLinf', [a, b])
}

/** ‖a − b‖₂ */
export function distanceL2(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(run('squaredDistance', [a, b]))
}

/** ‖a − b‖₁ */
export function distanceL1(a: Float32Array, b: Float32Array): number {
  return run('distanceL1', [a, b])
}

/** Σ vᵢ² */
export function squareOf(values: Float32Array): number {
  return run('squareOf', [values])
}

/** Σ |vᵢ| */
export function lengthL1(values: Float32Array): number {
  return run('lengthL1', [values])
}

/** max |vᵢ|; of NaN it knows nothing. */
export function greatest(values: Float32Array): number {
  return run('greatest', [values])
}

/** Σ d² + beta·|d| with d = (point − clean)/width. */
export function elasticNet(
  point: Float32Array,
  clean: Float32Array,
  { width, beta }: { readonly width: number; readonly beta: number },
): number {
  return run('elasticNet', [point, clean], [width, beta])
}

/** point ← clean + factor·(point − clean), rounded once, then into the interval. In place. */
export function lean(
  point: Float32Array,
  clean: Float32Array,
  factor: number,
  interval: Interval = [-Infinity, Infinity],
): void {
  run('lean', [point, clean], [factor, ...inward(interval)])
  take(0, point)
}

/** point ← clean + (point − clean) cut to ± reach, into the interval. In place. */
export function clipAround(
  point: Float32Array,
  clean: Float32Array,
  reach: number,
  interval: Interval,
): void {
  run('clipAround', [point, clean], [reach, ...inward(interval)])
  take(0, point)
}

/** out ← a + factor·b, into the interval; `out` may be one of them. */
export function along(
  a: Float32Array,
  b: Float32Array,
  factor: number,
  out: Float32Array,
  interval: Interval = [-Infinity, Infinity],
): void {
  run('along', [a, b], [factor, ...inward(interval)], { rooms: 1 })
  take(2, out)
}

/** sum ← sum + factor·(a − b), in place. */
export function addDifference(
  sum: Float32Array,
  a: Float32Array,
  b: Float32Array,
  factor = 1,
): void {
  run('addDifference', [sum, a, b], [factor])
  take(0, sum)
}
