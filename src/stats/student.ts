import { incompleteBeta } from './beta.js'
import { bisect } from './bisect.js'
import { checkConfidence } from './check.js'

/**
 * The t with P(T > t) = p for Student's distribution, p up to ½.
 *
 * P(|T| > t) = I_x(ν/2, ½) with x = ν / (ν + t²).
 * Source: Abramowitz & Stegun 26.7.1.
 * @param freedom - degrees of freedom ν, > 0; they need not be whole
 */
export function tUpperQuantile(p: number, freedom: number): number {
  const x = bisect((at) => incompleteBeta(freedom / 2, 0.5, at) / 2 < p, 0, 1)
  return Math.sqrt((freedom * (1 - x)) / x)
}

/**
 * The t with P(−t ≤ T ≤ t) = confidence for Student's distribution: 2.262 for 0.95 and 9 degrees of freedom.
 * @param freedom - degrees of freedom, > 0
 * @throws RangeError outside the domain
 */
export function twoSidedT(confidence: number, freedom: number): number {
  checkConfidence(confidence)
  if (!(freedom > 0)) throw new RangeError(`degrees of freedom must be positive, got ${freedom}`)
  return tUpperQuantile((1 - confidence) / 2, freedom)
}
