import { normalCdf, normalQuantile } from '../../../stats/normal.js'

export interface Bulk {
  readonly centre: number
  /** Standard deviation of a normal bulk; above 0 unless more than half of the values are equal. */
  readonly scale: number
}

/** Values this many scales from the centre no longer count as bulk. */
const cut = 2.5
/** Standard deviation of a standard normal cut off at ±cut. */
const cutDeviation = Math.sqrt(
  1 - (2 * cut * Math.exp((-cut * cut) / 2)) / Math.sqrt(2 * Math.PI) / (2 * normalCdf(cut) - 1),
)
const maxSteps = 30

/**
 * Centre and scale of the greater part of the values, whatever the lesser part is: the shortest half, then means and
 * deviations within ±2.5 scales until they settle. Up to nearly half of the values may be anything.
 *
 * @param sorted - ascending, not empty
 * Source: Rousseeuw 1984, "Least median of squares regression"; Rousseeuw & Leroy 1987, section 4.3 for the reweighting.
 */
export function bulkOf(sorted: Float64Array): Bulk {
  const n = sorted.length
  const half = Math.floor(n / 2) + 1
  let best = 0
  for (let i = 0; i + half <= n; i++)
    if (sorted[i + half - 1]! - sorted[i]! < sorted[best + half - 1]! - sorted[best]!) best = i
  const [low, high] = [sorted[best]!, sorted[Math.min(n, best + half) - 1]!]
  let bulk: Bulk = { centre: (low + high) / 2, scale: (high - low) / 2 / normalQuantile(0.75) }
  for (let step = 0; step < maxSteps && bulk.scale > 0; step++) {
    const next = within(sorted, bulk)
    const isSettled = Math.abs(next.scale - bulk.scale) <= 1e-9 * bulk.scale
    bulk = next
    if (isSettled) break
  }
  return bulk
}

function within(sorted: Float64Array, { centre, scale }: Bulk): Bulk {
  let [count, sum, squares] = [0, 0, 0]
  for (const value of sorted) {
    const off = value - centre
    if (Math.abs(off) > cut * scale) continue
    count++
    sum += off
    squares += off * off
  }
  const mean = sum / count
  return {
    centre: centre + mean,
    scale: Math.sqrt(Math.max(0, squares / count - mean * mean)) / cutDeviation,
  }
}

/** Values of the upper tail from which its decay is read where a quantile lies beyond the data. */
const tailValues = 10

/**
 * The value that a share `rate` of the distribution lies above: an order statistic, or where fewer than five values lie
 * above it, an exponential tail fitted to the ten greatest.
 * @param sorted - ascending
 */
export function upperQuantile(sorted: Float64Array, rate: number): number {
  const n = sorted.length
  if (n === 0) return Infinity
  if (rate * n >= 5) return sorted[Math.min(n - 1, Math.ceil((n + 1) * (1 - rate)) - 1)]!
  const m = Math.min(tailValues, n - 1)
  const start = sorted[n - 1 - m] ?? sorted[0]!
  let excess = 0
  for (let i = n - m; i < n; i++) excess += sorted[i]! - start
  return m === 0 ? start : start + Math.max(0, (excess / m) * Math.log(m / (n * rate)))
}
