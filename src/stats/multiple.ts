/**
 * Holm's step-down adjustment: comparing each result with the significance level keeps the chance of
 * any false alarm in the family below that level, whatever the dependence between the tests.
 *
 * @param pValues - one per test, any order
 * @returns adjusted p-values in the same order, each ≥ its input and ≤ 1
 * Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
 * @throws RangeError if a p-value is outside [0, 1] or NaN
 */
export function holm(pValues: readonly number[]): readonly number[] {
  for (const p of pValues)
    if (!(p >= 0 && p <= 1)) throw new RangeError(`a p-value must lie in [0, 1], got ${p}`)
  const adjusted = Array.from(pValues)
  const ascending = [...pValues.entries()].sort(([, a], [, b]) => a - b)
  let largest = 0
  for (const [rank, [index, p]] of ascending.entries()) {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * p))
    adjusted[index] = largest
  }
  return adjusted
}
