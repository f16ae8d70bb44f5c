/** A decimal, or a fraction of two decimals: `0.03`, `8/255`, `2.5/255`. */
const epsilonPattern = /^\s*(\d+\.?\d*|\.\d+)(e-?\d+)?\s*(\/\s*(\d+\.?\d*|\.\d+)\s*)?$/i

export const epsilonExpected = 'a number above 0, or a fraction such as 8/255'

/**
 * Reads an epsilon the way people write it.
 * @returns the radius in the data set's units; undefined if it is not a finite number above 0
 */
export function readEpsilon(text: number | string): number | undefined {
  const value = typeof text === 'number' ? text : fraction(text)
  return value !== undefined && Number.isFinite(value) && value > 0 ? value : undefined
}

function fraction(text: string): number | undefined {
  if (!epsilonPattern.test(text)) return undefined
  const [numerator, denominator] = text.split('/').map(Number)
  return denominator === undefined ? numerator : (numerator ?? NaN) / denominator
}
