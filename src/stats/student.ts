import { incompleteBeta } from './beta.js'
import { bisect } from './bisect.js'
import { checkConfidence } from './check.js'

/**
 * The t with P(−t ≤ T ≤ t) = confidence for Student's distribution: 2.262 for 0.95 and 9 degrees of freedom.
 *
 * P(|T| > t) = I_x(ν/2, ½) with x = ν / (ν + t²).
 * Source: Abramowitz & Stegun 26.7.1.
 * @param freedom - degrees of freedom ν, > 0
 * @throws RangeError outside the domain
 */
export function twoSidedT(confidence: number, freedom: number): number {
  checkConfidence(confidence)
  if (!(freedom > 0)) throw new RangeError(`degrees of freedom must be positive, got ${freedom}`)
  const x = bisect((at) => incompleteBeta(freedom / 2, 0.5, at) < 1 - confidence, 0, 1)
  return Math.sqrt((freedom * (1 - x)) / x)
}
