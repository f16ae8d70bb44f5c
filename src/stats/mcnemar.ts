import { incompleteBeta } from './beta.js'
import { checkCount } from './check.js'
import type { PairedCounts } from './types.js'

type Discordant = Pick<PairedCounts, 'newlyBroken' | 'newlyFixed'>

/**
 * One-sided exact McNemar test that the candidate is worse: P(X ≥ newlyBroken), X ~ Binomial(broken + fixed, ½).
 * 1 when nothing broke. Exact for any counts; tested to 1e6.
 *
 * Source: McNemar 1947 in its exact conditional form; the tail is I_½(broken, fixed + 1).
 * @throws RangeError if a count is not a whole number ≥ 0
 */
export function mcNemarWorse({ newlyBroken, newlyFixed }: Discordant): number {
  checkCount('newlyBroken', newlyBroken)
  checkCount('newlyFixed', newlyFixed)
  return newlyBroken === 0 ? 1 : incompleteBeta(newlyBroken, newlyFixed + 1, 0.5)
}

/**
 * Two-sided exact McNemar test: twice the smaller tail, at most 1.
 *
 * @throws RangeError if a count is not a whole number ≥ 0
 */
export function mcNemarDifferent({ newlyBroken, newlyFixed }: Discordant): number {
  const more = Math.max(newlyBroken, newlyFixed)
  const fewer = Math.min(newlyBroken, newlyFixed)
  return Math.min(1, 2 * mcNemarWorse({ newlyBroken: more, newlyFixed: fewer }))
}
