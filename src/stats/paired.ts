import { mcNemarDifferent, mcNemarWorse } from './mcnemar.js'
import { countPairs, tangoInterval } from './tango.js'
import type { PairedCounts, PairedDifference } from './types.js'

/**
 * Counts the four outcomes of two versions on the same samples.
 *
 * @param baseline - is the baseline right, per sample
 * @param candidate - the same samples in the same order
 * @throws RangeError if the lengths differ
 */
export function pairCounts(
  baseline: readonly boolean[],
  candidate: readonly boolean[],
): PairedCounts {
  if (baseline.length !== candidate.length)
    throw new RangeError(`pairs need equal lengths, got ${baseline.length} and ${candidate.length}`)
  let bothRight = 0
  let newlyBroken = 0
  let newlyFixed = 0
  let bothWrong = 0
  for (const [index, before] of baseline.entries()) {
    const after = candidate[index] === true
    if (before && after) bothRight++
    else if (before) newlyBroken++
    else if (after) newlyFixed++
    else bothWrong++
  }
  return { bothRight, newlyBroken, newlyFixed, bothWrong }
}

/**
 * Difference candidate − baseline with Tango's interval and exact McNemar p-values.
 * No pairs: estimate NaN, interval [−1, 1], p-values 1.
 *
 * @param confidence - two-sided level of the interval
 * @throws RangeError if a count is not a whole number ≥ 0
 */
export function pairedDifference(counts: PairedCounts, confidence = 0.95): PairedDifference {
  const trials = countPairs(counts)
  return {
    counts,
    trials,
    estimate: (counts.newlyFixed - counts.newlyBroken) / trials,
    ...tangoInterval(counts, confidence),
    confidence,
    pWorse: mcNemarWorse(counts),
    pDifferent: mcNemarDifferent(counts),
  }
}
