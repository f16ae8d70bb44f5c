import { checkConfidence } from './check.js'
import { normalCdf } from './normal.js'
import { signedRankGreater } from './signed-rank.js'
import { tangoLimits, tangoScore } from './tango.js'
import { meanOf } from './trials.js'
import type { TrialsDifference } from './types.js'

/**
 * A share of each trial under two versions, both trained on the same poisoned data: mean of after − before.
 *
 * - The interval is Tango's with Σ max(0, d) for the pairs that changed one way and Σ max(0, −d) for the other. Tango's
 *   variance, that of a difference which is −1, 0 or 1, is E|D| − (E D)². Any difference within [−1, 1] has D² ≤ |D|, so
 *   its own variance is no greater: the interval is the usual one where trials succeed or do not, else it is wider than
 *   it need be, and it is no point where nothing changed.
 * - The p-value is that of Wilcoxon's signed-rank test: exact, for any shares. Where trials succeed or do not, it is exact
 *   McNemar.
 *
 * @param before - share per trial on [0, 1]
 * @param after - of the same trials in the same order
 * @param confidence - two-sided level
 * @throws RangeError if the lengths differ or a share is outside [0, 1]
 */
export function pairedTrials(
  before: readonly number[],
  after: readonly number[],
  confidence = 0.95,
): TrialsDifference {
  checkConfidence(confidence)
  if (before.length !== after.length)
    throw new RangeError(`pairs need equal lengths, got ${before.length} and ${after.length}`)
  for (const share of [...before, ...after])
    if (!(share >= 0 && share <= 1))
      throw new RangeError(`a share must lie in [0, 1], got ${share}`)
  const differences = after.map((share, i) => share - before[i]!)
  const [rise, fall] = [1, -1].map((sign) =>
    differences.reduce((sum, difference) => sum + Math.max(0, sign * difference), 0),
  ) as [number, number]
  return {
    trials: differences.length,
    estimate: meanOf(differences),
    ...tangoLimits(fall, rise, differences.length, confidence),
    confidence,
    rise,
    fall,
    more: differences.filter((difference) => difference > 0).length,
    fewer: differences.filter((difference) => difference < 0).length,
    pMore: signedRankGreater(differences),
  }
}

/**
 * One-sided score test that the mean rises by less than `margin`: small when it does. 1 without pairs. Below 1 − c
 * exactly when the one-sided upper limit at level c lies below the margin.
 *
 * @param margin - allowed rise as a share, in [0, 1)
 */
export function risesLessP({ rise, fall, trials }: TrialsDifference, margin: number): number {
  if (!(margin >= 0 && margin < 1)) throw new RangeError(`margin must lie in [0, 1), got ${margin}`)
  return trials === 0 ? 1 : normalCdf(-tangoScore(rise, fall, trials, -margin))
}
