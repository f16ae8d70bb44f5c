/** Of an even number of values the mean of the middle two; of none NaN. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2
}

/** Makes the median absolute deviation estimate the standard deviation of normal values. */
export const madScale = 1.4826
