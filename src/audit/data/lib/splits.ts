import { madScale, median } from '../../../stats/median.js'
import type { AuditSource, Detection } from '../../types.js'
import { detection } from './calibrate.js'
import { imbalance } from './imbalance.js'
import { tUpperQuantile } from '../../../stats/student.js'

/** A class taken apart in two. */
export interface Split {
  readonly label: number
  readonly rows: Int32Array
  /** Of each row, how far it lies on the lesser part's side, in deviations within the parts; ≤ 0: in the greater part. */
  readonly depth: Float64Array
  /** Distance of the parts' means in deviations within the parts: 2.65 for a normal class cut in two. */
  readonly separation: number
  /** Share of the lesser part. */
  readonly share: number
}

/** The spread of so few classes says nothing. */
const leastClasses = 5
/** What a median absolute deviation of normal values is worth beside their standard deviation. */
const madEfficiency = 0.37
/** Classes that the spread known beforehand is worth. */
const priorFreedom = 10

/**
 * Judges splits of all classes: any class can be cut in two, and one with poison in it falls apart farther than the
 * others do. A class's evidence is ln separation, from the classes' median in scales of their spread: the median
 * absolute deviation, drawn towards the spread that clean classes usually have, since few classes tell little of it. The
 * lesser part of a class is flagged whole where the evidence is above Student's quantile, which a clean class exceeds
 * with a chance of half the stated rate: of clean samples, a quarter of it at most is expected to be flagged, but all
 * at once. Holds while most classes are clean.
 *
 * @param spread - usual standard deviation of ln separation over clean classes
 */
export function judgeSplits(
  source: AuditSource,
  splits: readonly Split[],
  rate: number,
  spread: number,
): Detection {
  const scores = new Float64Array(source.count).fill(NaN)
  const ratio = imbalance(source)
  if (splits.length < leastClasses)
    return detection(scores, Infinity, {
      notApplicable: ratio ?? `fewer than ${leastClasses} classes with enough samples to compare`,
    })
  const { evidence, freedom } = evidenceOf(splits, spread)
  splits.forEach(({ rows, depth }, i) =>
    rows.forEach((row, at) => {
      const side = depth[at]!
      scores[row] = side > 0 ? evidence[i]! : Math.min(evidence[i]!, 0) + side
    }),
  )
  const threshold = tUpperQuantile(rate / 2, freedom)
  const reasons = reasonsOf(splits, evidence, threshold)
  return detection(scores, threshold, { notApplicable: ratio, reasons })
}

function evidenceOf(splits: readonly Split[], prior: number) {
  const logs = splits.map(({ separation }) => Math.log(Math.max(separation, 1e-9)))
  const centre = median(logs)
  const own = madScale * median(logs.map((value) => Math.abs(value - centre)))
  const ownFreedom = madEfficiency * (splits.length - 1)
  const freedom = priorFreedom + ownFreedom
  const spread = Math.sqrt((priorFreedom * prior ** 2 + ownFreedom * own ** 2) / freedom)
  return { evidence: logs.map((value) => (value - centre) / spread), freedom }
}

function reasonsOf(splits: readonly Split[], evidence: readonly number[], threshold: number) {
  const reasons = new Map<number, string>()
  splits.forEach(({ rows, depth, separation, share }, i) => {
    if (!(evidence[i]! > threshold)) return
    const text = `lesser part (${Math.round(100 * share)} %) of its class, ${separation.toFixed(1)} deviations apart`
    rows.forEach((row, at) => {
      if (depth[at]! > 0) reasons.set(row, text)
    })
  })
  return reasons
}

/** A part of fewer samples is a few odd ones, not a part. */
const leastPart = 5

/**
 * Cuts values in two where the parts differ most between and least within themselves.
 * @param side - `upper`: the upper part counts as the lesser whatever its size; `lesser`: the smaller one
 * Source: Fisher 1958, "On grouping for maximum homogeneity"; Otsu 1979.
 */
export function splitValues(
  label: number,
  rows: Int32Array,
  values: Float64Array,
  side: 'upper' | 'lesser',
): Split {
  const sorted = values.toSorted()
  const n = sorted.length
  const total = sorted.reduce((sum, value) => sum + value, 0)
  let [below, best, at] = [0, -1, 0]
  for (let k = 1; k <= n - leastPart; k++) {
    below += sorted[k - 1]!
    if (k < leastPart) continue
    const between = k * (n - k) * ((total - below) / (n - k) - below / k) ** 2
    if (between > best) [best, at] = [between, k]
  }
  const cut = (sorted[at - 1]! + sorted[at]!) / 2
  const isUpper = side === 'upper' || n - at <= at
  const parts = [sorted.subarray(0, at), sorted.subarray(at)]
  const [low, high] = parts.map((part) => part.reduce((sum, value) => sum + value, 0) / part.length)
  const within = Math.sqrt((squares(parts[0]!, low!) + squares(parts[1]!, high!)) / n) || 1e-300
  return {
    label,
    rows,
    depth: values.map((value) => ((isUpper ? 1 : -1) * (value - cut)) / within),
    separation: (high! - low!) / within,
    share: (isUpper ? n - at : at) / n,
  }
}

const squares = (values: Float64Array, mean: number): number =>
  values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
