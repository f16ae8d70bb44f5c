import { z } from 'zod'

/** Beyond that a change is no longer small, whatever the size. */
const greatest = 64 / 255

/** What `scaled` makes of a paper's epsilon, as a parameter. */
export const epsilonParam = (paper: string): z.ZodOptional<z.ZodNumber> =>
  z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe(
      `greatest change of a value, as a share of the range; the paper, at 32 × 32: ${paper}; default that of the same length in L2, at most 64/255`,
    )

/**
 * Papers give epsilon in L∞ for images of 32 × 32: at other sizes the default has the same length in L2, per channel. A
 * table of F features counts as a square image of F values.
 */
export function scaled(given: number | undefined, paper: number, shape: readonly number[]): number {
  if (given !== undefined) return given
  const area = (shape.length < 2 ? shape : shape.slice(-2)).reduce((a, b) => a * b, 1)
  return Math.min(greatest, (paper * 32) / Math.sqrt(area))
}
