import { madScale, median } from '../../stats/median.js'

/** Indices beyond this say no more than this does; a spread of 0 would make them infinite. */
const greatest = 99

/**
 * How far each value lies below the median of all, in deviations: (median − value) / (1.4826 · MAD), within ±99. NaN
 * stays NaN and counts for nothing.
 * Source: Wang et al. 2019, "Neural Cleanse", section IV-B; an index above 2 is an outlier at 95 % for normal values.
 */
export function anomalyIndices(values: readonly number[]): number[] {
  const finite = values.filter((value) => !Number.isNaN(value))
  const middle = median(finite)
  const spread = madScale * median(finite.map((value) => Math.abs(value - middle)))
  return values.map((value) => {
    const below = middle - value
    if (below === 0 || Number.isNaN(below)) return below
    return Math.min(greatest, Math.max(-greatest, below / spread))
  })
}
