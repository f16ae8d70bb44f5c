import { normalQuantile } from '../../../stats/normal.js'
import type { Detection } from '../../types.js'
import { bulkOf, upperQuantile } from './robust.js'

/** A class of fewer samples has no bulk to speak of: it is not judged. */
const leastSamples = 20

/** Indices of each class's samples whose score is a number, where there are enough to judge. */
export function rowsByClass(
  scores: Float64Array,
  labels: Int32Array,
  classes: number,
): readonly Int32Array[] {
  const counts = new Int32Array(classes)
  labels.forEach((label, i) => {
    if (!Number.isNaN(scores[i])) counts[label]!++
  })
  const rows = Array.from(counts, (count) => new Int32Array(count >= leastSamples ? count : 0))
  const next = new Int32Array(classes)
  labels.forEach((label, i) => {
    const own = rows[label]!
    if (own.length > 0 && !Number.isNaN(scores[i])) own[next[label]!++] = i
  })
  return rows
}

/**
 * Scores in scales of the bulk of their own class, from its centre: comparable between classes. NaN for classes too
 * small to judge.
 */
export function standardise(
  raw: Float64Array,
  labels: Int32Array,
  classes: number,
  sides: 1 | 2,
): Float64Array {
  const out = new Float64Array(raw.length).fill(NaN)
  for (const rows of rowsByClass(raw, labels, classes)) {
    if (rows.length === 0) continue
    const bulk = bulkOf(Float64Array.from(rows, (i) => raw[i]!).sort())
    const { centre } = bulk
    // More than half are equal: the others are measured by themselves.
    const scale = bulk.scale || 1.2533 * meanDeviation(raw, rows, centre) || 1
    for (const i of rows) {
      const z = (raw[i]! - centre) / scale
      out[i] = sides === 2 ? Math.abs(z) : z
    }
  }
  return out
}

const meanDeviation = (raw: Float64Array, rows: Int32Array, centre: number): number =>
  rows.reduce((sum, i) => sum + Math.abs(raw[i]! - centre), 0) / rows.length

/** Threshold of standardised scores if the bulk is normal out to its tails. */
export const normalThreshold = (rate: number, sides: 1 | 2): number => -normalQuantile(rate / sides)

/**
 * The score that clean samples exceed at the rate, read from the classes themselves: each has its own quantile, and that
 * of the class at three quarters is taken. Poison in up to a quarter of the classes does not move it, and where the
 * classes are clean it lies above the rate's own quantile for most of them.
 */
function classThreshold(
  scores: Float64Array,
  labels: Int32Array,
  classes: number,
  rate: number,
): number {
  const quantiles = rowsByClass(scores, labels, classes)
    .filter((rows) => rows.length > 0)
    .map((rows) => upperQuantile(Float64Array.from(rows, (i) => scores[i]!).sort(), rate))
    .sort((a, b) => a - b)
  const n = quantiles.length
  return quantiles[Math.max(0, Math.min(Math.ceil(0.75 * n), n - 1) - 1)] ?? Infinity
}

/** The greater of `normalThreshold` and `classThreshold`: for poison that aims at few classes. */
export function thresholdFor(
  scores: Float64Array,
  labels: Int32Array,
  classes: number,
  rate: number,
  sides: 1 | 2,
): number {
  return Math.max(normalThreshold(rate, sides), classThreshold(scores, labels, classes, rate))
}

/** Indices of the scores above the threshold. */
function above(scores: Float64Array, threshold: number): Int32Array {
  return Int32Array.from(scores.keys()).filter((i) => scores[i]! > threshold)
}

export function detection(
  scores: Float64Array,
  threshold: number,
  more: Partial<Pick<Detection, 'reasons' | 'notApplicable'>> = {},
): Detection & { readonly threshold: number } {
  return {
    scores,
    threshold,
    suspects: above(scores, threshold),
    notApplicable: null,
    ...more,
  }
}
