import { z } from 'zod'
import { dataFormats, type DatasetSpec } from '../data/dataset.js'

const text = z.string().min(1)
const rangeExpected = 'LOW..HIGH or [LOW, HIGH] with LOW below HIGH, as in 0..255'

/** `0..255`, `-1..1` */
const rangePattern = /^\s*([^.\s]\S*?|\.\d\S*?)\s*\.\.\s*(\S+)\s*$/

/** Reads `LOW..HIGH`. @returns undefined if it is not two finite numbers in ascending order */
export function readRange(value: string): [number, number] | undefined {
  const [, low, high] = rangePattern.exec(value) ?? []
  const range: [number, number] = [Number(low), Number(high)]
  return isRange(range) ? range : undefined
}

function isRange([low, high]: readonly [number, number]): boolean {
  return Number.isFinite(low) && Number.isFinite(high) && low < high
}

const rangeSchema = z
  .union([
    z.tuple([z.number(), z.number()]).refine(isRange, { error: rangeExpected }),
    z
      .string()
      .refine((value) => readRange(value) !== undefined, { error: rangeExpected })
      .transform((value): [number, number] => readRange(value) ?? [NaN, NaN]),
  ])
  .describe(
    'range of the stored values, "0..255" or [0, 255]; with 0..255 they are divided by 255 (default: 0..255 for bytes, 0..1 for other arrays, the extent of a table)',
  )

const specSchema = z.strictObject({
  path: text.describe('file or folder, relative to this configuration, or glyphs'),
  format: z
    .enum(dataFormats)
    .optional()
    .describe('format of the data (default: found from the file)'),
  labels: text.optional().describe('label file beside npy or idx data (default: found)'),
  range: rangeSchema.optional(),
  layout: z
    .enum(['nchw', 'nhwc'])
    .optional()
    .describe('layout of the stored images (default: found from the shape)'),
  classes: z
    .int()
    .min(2)
    .optional()
    .describe('number of classes (default: 1 + the greatest label)'),
  limit: z.int().min(1).optional().describe('take only the first samples, a count (default all)'),
  seed: z.int().min(0).optional().describe('seed of a synthetic set (default 1)'),
})

/** A path alone, or a path with what the file itself does not say. */
export const dataSchema = z
  .union([text, specSchema])
  .transform((data): DatasetSpec => (typeof data === 'string' ? { path: data } : data))
  .describe('labelled samples that every version is attacked on')
