import { GauntletError } from '../errors.js'
import { isBetween } from '../util/simd/kernels.js'

/** No NaN, and a greatest score that is finite. −∞ may stand for a class that is ruled out. */
export function isPrediction(scores: Float32Array): boolean {
  let most = -Infinity
  for (const score of scores) {
    if (Number.isNaN(score)) return false
    most = Math.max(most, score)
  }
  return Number.isFinite(most)
}

const finite = [-3.402823466385288e38, 3.402823466385288e38] as const

/** A projection needs finite values: NaN becomes the clean value, ±∞ the bound. @returns whether there was one */
export function makeFinite(
  point: Float32Array,
  x: Float32Array,
  [low, high]: readonly [number, number],
): boolean {
  if (isBetween(point, finite)) return false
  for (let i = 0; i < point.length; i++) {
    const value = point[i]!
    // Zero for every finite value.
    if (value - value !== 0) point[i] = value > 0 ? high : value < 0 ? low : x[i]!
  }
  return true
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
