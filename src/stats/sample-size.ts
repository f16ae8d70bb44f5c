import { mcNemarWorse } from './mcnemar.js'
import { normalQuantile, twoSidedZ } from './normal.js'
import { wilsonLimits } from './proportion.js'
import { countPairs, tangoScore } from './tango.js'
import type { PairedCounts, Proportion } from './types.js'

/** Beyond this a sample size is no advice any more. */
const largestSample = 1e9

/**
 * About how many samples would settle whether a share reaches `min`, if it stayed as observed.
 * Null when no realistic number would (nothing observed, or the estimate is the limit itself).
 */
export function samplesForFloor(share: Proportion, min: number): number | null {
  const z = twoSidedZ(share.confidence)
  return smallestSample(share.trials, (scale) => {
    const { low, high } = wilsonLimits(share.successes * scale, share.trials * scale, z)
    return low >= min || high < min
  })
}

/**
 * About how many pairs would settle whether the candidate is worse by more than `margin`, if the shares
 * of newly broken and newly fixed stayed as observed: enough for the one-sided lower limit to clear the
 * margin, or for McNemar's test to reach significance among `tests` tests when the drop is beyond it.
 * Null when no realistic number would.
 *
 * @param confidence - one-sided level
 * @param tests - size of the family that the p-value is corrected for; every one counted (Bonferroni)
 */
export function samplesForMargin(
  counts: PairedCounts,
  margin: number,
  confidence: number,
  tests: number,
): number | null {
  const trials = countPairs(counts)
  const { newlyBroken: broken, newlyFixed: fixed } = counts
  if (broken - fixed > margin * trials)
    return smallestSample(
      trials,
      (scale) =>
        tests *
          mcNemarWorse({
            newlyBroken: Math.round(broken * scale),
            newlyFixed: Math.round(fixed * scale),
          }) <
        1 - confidence,
    )
  const z = -normalQuantile(1 - confidence)
  return smallestSample(
    trials,
    (scale) => tangoScore(broken * scale, fixed * scale, trials * scale, -margin) > z,
  )
}

function smallestSample(trials: number, isDecided: (scale: number) => boolean): number | null {
  if (trials === 0) return null
  let enough = trials
  while (!isDecided(enough / trials)) {
    enough *= 2
    if (enough > largestSample) return null
  }
  let tooFew = enough === trials ? 0 : enough / 2
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2)
    if (isDecided(middle / trials)) enough = middle
    else tooFew = middle
  }
  return enough
}
