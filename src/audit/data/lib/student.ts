import { incompleteBeta } from '../../../stats/beta.js'
import { bisect } from '../../../stats/bisect.js'

/**
 * The t with P(T > t) = p for Student's distribution, p up to ½; degrees of freedom need not be whole.
 * Source: DLMF 8.17 with P(T > t) = ½ I_x(ν/2, ½), x = ν / (ν + t²).
 */
export function tUpperQuantile(p: number, freedom: number): number {
  const x = bisect((value) => incompleteBeta(freedom / 2, 0.5, value) / 2 < p, 0, 1)
  return Math.sqrt((freedom * (1 - x)) / x)
}
