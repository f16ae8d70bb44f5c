import { incompleteBeta } from './beta.js'
import { bisect } from './bisect.js'
import { checkConfidence, checkCount } from './check.js'
import { twoSidedZ } from './normal.js'
import type { Proportion } from './types.js'

/**
 * Wilson's score interval for a share. No trials: estimate NaN, interval [0, 1].
 *
 * Source: Wilson 1927; Newcombe 1998, "Two-sided confidence intervals for the single proportion", method 3.
 * @throws RangeError if the counts are not whole numbers with successes ≤ trials
 */
export function wilson(successes: number, trials: number, confidence = 0.95): Proportion {
  checkShare(successes, trials, confidence)
  const { low, high } = wilsonLimits(successes, trials, twoSidedZ(confidence))
  return { successes, trials, estimate: successes / trials, low, high, confidence }
}

/** The limits alone; counts need not be whole, so that they can be scaled. */
export function wilsonLimits(
  successes: number,
  trials: number,
  z: number,
): { readonly low: number; readonly high: number } {
  if (trials === 0) return { low: 0, high: 1 }
  const failures = trials - successes
  const half = z * Math.sqrt(z * z + (4 * successes * failures) / trials)
  const twice = 2 * (trials + z * z)
  // Written from both ends: s² / … instead of a difference keeps the digits of tiny shares.
  return {
    low:
      successes === 0 ? 0 : (2 * successes * (successes / trials)) / (2 * successes + z * z + half),
    high: failures === 0 ? 1 : (2 * successes + z * z + half) / twice,
  }
}

/**
 * Clopper–Pearson interval: exact, coverage at least `confidence` whatever the true share.
 * No trials: estimate NaN, interval [0, 1].
 *
 * Source: Clopper & Pearson 1934; limits as beta quantiles, Newcombe 1998, method 5.
 * @throws RangeError if the counts are not whole numbers with successes ≤ trials
 */
export function clopperPearson(successes: number, trials: number, confidence = 0.95): Proportion {
  checkShare(successes, trials, confidence)
  const tail = (1 - confidence) / 2
  return {
    successes,
    trials,
    estimate: successes / trials,
    low: betaQuantile(tail, successes, trials - successes + 1),
    high: 1 - betaQuantile(tail, trials - successes, successes + 1),
    confidence,
  }
}

/** The x with I_x(a, b) = p; 0 when a is 0, where the distribution sits at 0. */
function betaQuantile(p: number, a: number, b: number): number {
  return a === 0 ? 0 : bisect((x) => incompleteBeta(a, b, x) < p, 0, 1)
}

function checkShare(successes: number, trials: number, confidence: number): void {
  checkCount('successes', successes)
  checkCount('trials', trials)
  checkConfidence(confidence)
  if (successes > trials)
    throw new RangeError(`successes must not exceed trials, got ${successes} of ${trials}`)
}
