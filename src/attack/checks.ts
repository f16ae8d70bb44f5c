import { GauntletError } from '../errors.js'

/** No NaN, and a greatest score that is finite. −∞ may stand for a class that is ruled out. */
export function isPrediction(scores: Float32Array): boolean {
  let most = -Infinity
  for (const score of scores) {
    if (Number.isNaN(score)) return false
    most = Math.max(most, score)
  }
  return Number.isFinite(most)
}

/** A projection needs finite values: NaN becomes the clean value, ±∞ the bound. @returns whether there was one */
export function makeFinite(
  point: Float32Array,
  x: Float32Array,
  [low, high]: readonly [number, number],
): boolean {
  let repaired = false
  for (let i = 0; i < point.length; i++) {
    const value = point[i]!
    // Zero for every finite value.
    if (value - value === 0) continue
    point[i] = value > 0 ? high : value < 0 ? low : x[i]!
    repaired = true
  }
  return repaired
}

/**
 * Each value into its interval, finite or not: NaN becomes the clean value. Most points are where they may be, and then
 * nothing is written. @returns whether a value was not finite
 */
export function clampInto(
  point: Float32Array,
  x: Float32Array,
  lower: Float32Array,
  upper: Float32Array,
): boolean {
  let repaired = false
  for (let i = 0; i < point.length; i++) {
    const value = point[i]!
    if (value >= lower[i]! && value <= upper[i]!) continue
    // Zero for every finite value.
    if (value - value !== 0) repaired = true
    const finite = Number.isNaN(value) ? x[i]! : value
    point[i] = finite < lower[i]! ? lower[i]! : finite > upper[i]! ? upper[i]! : finite
  }
  return repaired
}

/** As `clampInto`, with the same bounds for all. */
export function clampWithin(
  point: Float32Array,
  x: Float32Array,
  [low, high]: readonly [number, number],
): boolean {
  let repaired = false
  for (let i = 0; i < point.length; i++) {
    const value = point[i]!
    if (value >= low && value <= high) continue
    if (value - value !== 0) repaired = true
    const finite = Number.isNaN(value) ? x[i]! : value
    point[i] = finite < low ? low : finite > high ? high : finite
  }
  return repaired
}

/** As the step graph takes it: float32. */
export function checkStepSize(stepSize: number): void {
  if (stepSize > 0 && Number.isFinite(Math.fround(stepSize))) return
  throw new GauntletError('GNT_ATTACK_PARAMS', {
    what: 'the step size is out of range',
    got: String(stepSize),
    expected: 'a number above 0 that fits a float32',
  })
}
