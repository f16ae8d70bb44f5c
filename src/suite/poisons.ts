import { z } from 'zod'

const rateExpected =
  'a share and what it is a share of, as in { value: 0.01, of: dataset }: 1 % of the data set is 10 % of one of ten classes, so that a share alone says nothing'

const rateSchema = z
  .strictObject(
    {
      value: z.number().gt(0).max(1).describe('share of the samples that are poisoned, above 0'),
      of: z
        .enum(['dataset', 'targetClass', 'sourceClass'], { error: rateExpected })
        .describe('what it is a share of: dataset, targetClass or sourceClass'),
    },
    { error: rateExpected },
  )
  .describe('share of the training samples that are poisoned, and of what it is a share')

const poisonSchema = z.strictObject({
  use: z.string().min(1).describe('id of a poison; see gauntlet attacks'),
  params: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('parameters of the poison (default: those of its paper)'),
  rates: z.array(rateSchema).min(1).describe('poison rates; several make a curve'),
  trials: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe(
      'trainings that differ in source, target and seed; below 10 the interval says little (default 10)',
    ),
  source: z
    .union([z.int().min(0), z.literal('any')], { error: 'the number of a class, or any' })
    .optional()
    .describe(
      'class that shall be taken for another, or any but the target (default: drawn for each trial where the poison needs one, else any)',
    ),
  target: z
    .int()
    .min(0)
    .optional()
    .describe('class it shall be taken for (default: drawn for each trial)'),
})

const detectorSchema = z.union([
  z.string().min(1).describe('id of a detector'),
  z.strictObject({
    use: z.string().min(1).describe('id of a detector; see gauntlet audit data --help'),
    params: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('parameters of the detector (default: those of its paper)'),
  }),
])

/** The fields of a suite that poison the training. */
export const poisoningFields = {
  poisons: z
    .array(poisonSchema)
    .default([])
    .describe('poisons of the training data, each trained and measured anew (default none)'),
  detectors: z
    .array(detectorSchema)
    .default([])
    .describe('detectors that filter the poisoned data before another training (default none)'),
  falsePositiveRate: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.05)
    .describe('share of clean samples that a detector may flag (default 0.05)'),
}

/** A poison as a suite names it, defaults filled in. */
export type SuitePoison = z.output<typeof poisonSchema>
