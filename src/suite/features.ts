import { z } from 'zod'

/** A column of a table by its name, or a value of a sample by its index. */
const valueSchema = z.union([z.string().min(1), z.int().min(0)])

/** What an attacker may do with single values, as it is written; `resolveFeatures` brings names to indices. */
export const featuresSchema = z
  .strictObject({
    immutable: z
      .array(valueSchema)
      .optional()
      .describe('values that never change, by name or index'),
    scale: z
      .union([
        z.literal('std', { error: 'std, or a factor for each name' }),
        z.record(z.string(), z.number().positive()),
      ])
      .optional()
      .describe(
        'factors on epsilon by name or index, or std: the standard deviation of each column in the data (default 1)',
      ),
    bounds: z
      .union([
        z.literal('data', { error: 'data, or [LOW, HIGH] for each name' }),
        z.record(z.string(), z.tuple([z.number(), z.number()])),
      ])
      .optional()
      .describe(
        'least and greatest value by name or index, or data: those of each column (default: the range of the data)',
      ),
    integer: z
      .array(valueSchema)
      .optional()
      .describe('values that are whole numbers, by name or index'),
    oneHot: z
      .array(z.array(valueSchema).min(2))
      .optional()
      .describe('groups of columns of which one is 1 and the others are 0'),
  })
  .describe('what may be done with single columns of a table, in L∞ and L0 (default anything)')

export type FeaturesInput = z.output<typeof featuresSchema>

export const quantizeSchema = z
  .int()
  .min(1)
  .max(16)
  .describe(
    'bits to which an example is rounded before it counts, 8 for pixels of 8 bits (default none)',
  )
