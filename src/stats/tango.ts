import { bisect } from './bisect.js'
import { checkConfidence, checkCount } from './check.js'
import { normalCdf, twoSidedZ } from './normal.js'
import type { PairedCounts } from './types.js'

/**
 * Tango's score statistic for the paired difference candidate − baseline being `delta`: falls as delta
 * rises, 0 at the estimate, standard normal when delta is the truth. Counts need not be whole.
 *
 * With b = newly fixed, c = newly broken: T(δ) = (b − c − nδ) / √(n (2q̃ + δ(1 − δ))), where q̃ is the maximum
 * likelihood estimate of P(newly broken) among all distributions with difference δ.
 * Source: Tango 1998, "Equivalence test and confidence interval for the difference in proportions for the
 * paired-sample design", Statistics in Medicine 17:891–908, equations 24–27.
 */
export function tangoScore(broken: number, fixed: number, trials: number, delta: number): number {
  // T(−δ; b, c) = −T(δ; c, b), and for δ ≥ 0 the root below is free of cancellation and never complex.
  if (delta < 0) return -tangoScore(fixed, broken, trials, -delta)
  const numerator = fixed - broken - trials * delta
  const variance =
    trials * (2 * restrictedBroken(broken, fixed, trials, delta) + delta * (1 - delta))
  // No variance: no discordant pair at δ = 0, or δ = 1, where only b = n is possible.
  if (variance <= 0) return numerator === 0 ? 0 : numerator * Infinity
  return numerator / Math.sqrt(variance)
}

/** q̃ ≥ 0 solves 2n q² + B q − cδ(1 − δ) = 0 with B = (2n − b + c)δ − (b + c); δ ≥ 0. */
function restrictedBroken(broken: number, fixed: number, trials: number, delta: number): number {
  const linear = (2 * trials - fixed + broken) * delta - (fixed + broken)
  const constant = broken * delta * (1 - delta)
  const root = Math.sqrt(linear * linear + 8 * trials * constant)
  if (linear <= 0) return (root - linear) / (4 * trials)
  return constant === 0 ? 0 : (2 * constant) / (linear + root)
}

/**
 * Tango's score interval for the paired difference candidate − baseline: all δ with |T(δ)| ≤ z.
 * Inside [−1, 1]; not degenerate without discordant pairs (±z²/(n + z²)). No pairs: [−1, 1].
 *
 * @param confidence - two-sided level; for a one-sided limit at level c pass 2c − 1
 * @throws RangeError if a count is not a whole number ≥ 0
 */
export function tangoInterval(
  counts: PairedCounts,
  confidence = 0.95,
): { readonly low: number; readonly high: number } {
  const trials = countPairs(counts)
  return tangoLimits(counts.newlyBroken, counts.newlyFixed, trials, confidence)
}

/** The interval for counts that need not be whole: of `trials` pairs, `broken` change one way and `fixed` the other. */
export function tangoLimits(
  broken: number,
  fixed: number,
  trials: number,
  confidence: number,
): { readonly low: number; readonly high: number } {
  checkConfidence(confidence)
  if (trials === 0) return { low: -1, high: 1 }
  const z = twoSidedZ(confidence)
  const upper = (more: number, fewer: number): number =>
    more === trials
      ? 1
      : bisect((delta) => tangoScore(fewer, more, trials, delta) > -z, (more - fewer) / trials, 1)
  // The lower limit is the upper one of the mirrored table.
  return { low: -upper(broken, fixed), high: upper(fixed, broken) }
}

/**
 * One-sided score test of non-inferiority: small when the candidate is worse by less than `margin`.
 * Below 1 − c exactly when the one-sided lower limit at level c lies above −margin. 1 without pairs.
 *
 * @param margin - allowed drop as a share, in [0, 1)
 * @throws RangeError if a count is not a whole number ≥ 0 or the margin is out of range
 */
export function tangoNonInferiorityP(counts: PairedCounts, margin: number): number {
  const trials = countPairs(counts)
  if (!(margin >= 0 && margin < 1)) throw new RangeError(`margin must lie in [0, 1), got ${margin}`)
  if (trials === 0) return 1
  return normalCdf(-tangoScore(counts.newlyBroken, counts.newlyFixed, trials, -margin))
}

/** @throws RangeError if a count is not a whole number ≥ 0 */
export function countPairs(counts: PairedCounts): number {
  checkCount('bothRight', counts.bothRight)
  checkCount('newlyBroken', counts.newlyBroken)
  checkCount('newlyFixed', counts.newlyFixed)
  checkCount('bothWrong', counts.bothWrong)
  return counts.bothRight + counts.newlyBroken + counts.newlyFixed + counts.bothWrong
}
