import { bisect } from './bisect.js'
import { checkConfidence } from './check.js'
import { twoSidedT } from './student.js'
import type { Mean } from './types.js'

/**
 * Mean over trials of a share, each trial counting once, however many samples its share is of.
 *
 * A poisoning trial is one training: its samples stand or fall together, so an interval over the pooled samples of ten
 * trainings would be ten times too narrow or worse. Nor does the scatter of the trials tell: ten that all resist say
 * little about one pair of classes in ten that does not, and a t interval would end at 0. This one holds whatever the
 * distribution of the shares on [0, 1] is: the means m with n · KL(estimate ‖ m) ≤ ln(2 / (1 − confidence)), where KL is
 * the divergence between Bernoulli variables. Where every share is 0 or every one is 1 it is the interval of Clopper and
 * Pearson; between it is wider.
 *
 * Source: Hoeffding 1963, "Probability inequalities for sums of bounded random variables", theorem 1; inverted as in
 * Garivier & Cappé 2011, arXiv:1102.2490.
 * @param shares - one per trial, on [0, 1]; none: estimate NaN, interval [0, 1]
 * @param confidence - two-sided level
 * @throws RangeError if a share is outside [0, 1] or NaN
 */
export function meanShare(shares: readonly number[], confidence = 0.95): Mean {
  for (const share of shares)
    if (!(share >= 0 && share <= 1))
      throw new RangeError(`a share must lie in [0, 1], got ${share}`)
  // Rounding must not carry a mean of shares beyond 1.
  const estimate = Math.min(1, meanOf(shares))
  return {
    estimate,
    ...shareLimits(estimate, shares.length, confidence),
    trials: shares.length,
    confidence,
  }
}

/** The limits alone; the number of trials need not be whole, so that it can be scaled. */
function shareLimits(
  estimate: number,
  trials: number,
  confidence: number,
): { readonly low: number; readonly high: number } {
  checkConfidence(confidence)
  if (trials === 0) return { low: 0, high: 1 }
  const limit = Math.log(2 / (1 - confidence)) / trials
  const upper = (share: number): number =>
    share === 1 ? 1 : bisect((m) => divergence(share, m) < limit, share, 1)
  return outward({ low: 1 - upper(1 - estimate), high: upper(estimate) })
}

/** Ends that print as 0 or 100 % are those: outward, so that the interval still holds, and without digits that say nothing. */
function outward({ low, high }: { readonly low: number; readonly high: number }): {
  readonly low: number
  readonly high: number
} {
  const smallest = 5e-4
  return { low: low < smallest ? 0 : low, high: high > 1 - smallest ? 1 : high }
}

/** KL(p ‖ m) between Bernoulli variables, for p ≤ m. */
function divergence(p: number, m: number): number {
  const miss = p === 1 ? 0 : (1 - p) * Math.log((1 - p) / (1 - m))
  return (p === 0 ? 0 : p * Math.log(p / m)) + miss
}

/**
 * Mean over trials of a difference, with Student's interval: for losses of accuracy between two trainings of one trial,
 * which scatter about as normal variables do. It speaks of further trainings measured on the same test data.
 *
 * @param values - one per trial; fewer than two have no interval: it is then −∞ to ∞, and without any the estimate is NaN
 * @param confidence - two-sided level
 */
export function meanDifference(values: readonly number[], confidence = 0.95): Mean {
  checkConfidence(confidence)
  const n = values.length
  const estimate = meanOf(values)
  if (n < 2) return { estimate, low: -Infinity, high: Infinity, trials: n, confidence }
  const squares = values.reduce((sum, value) => sum + (value - estimate) ** 2, 0)
  const half = twoSidedT(confidence, n - 1) * Math.sqrt(squares / (n - 1) / n)
  return { estimate, low: estimate - half, high: estimate + half, trials: n, confidence }
}

/**
 * Mean over trials of an accuracy, with Student's interval within [0, 1]: accuracies of trainings that differ in their seed
 * scatter about as normal variables do, unlike the success of an attack, which takes hold in a trial or does not.
 *
 * @param shares - one per trial, on [0, 1]; fewer than two: the interval is [0, 1], and without any the estimate is NaN
 * @param confidence - two-sided level
 */
export function meanAccuracy(shares: readonly number[], confidence = 0.95): Mean {
  const mean = meanDifference(shares, confidence)
  return { ...mean, low: Math.max(0, mean.low), high: Math.min(1, mean.high) }
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/**
 * About how many trials would settle whether a mean share is at most `max`, if it stayed as observed. Null when no
 * realistic number would.
 */
export function trialsForCeiling(
  { estimate, trials, confidence }: Mean,
  max: number,
): number | null {
  for (let enough = Math.max(1, trials); enough <= 1e6; enough = Math.ceil(enough * 1.05)) {
    const { low, high } = shareLimits(estimate, enough, confidence)
    if (high <= max || low > max) return enough
  }
  return null
}
