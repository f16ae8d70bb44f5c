import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { gateRuleSchema, waiverSchema } from '../gate/schema.js'
import { deviceNames } from '../runtime/device.js'
import { suiteSchema } from '../suite/schema.js'
import { dataSchema } from './data-schema.js'
import { checkGate, checkVersions } from './rules.js'
import { trainingSchema } from './training-schema.js'

/** Formats a report can be written in; the same as the reporters' ids. */
export const reportFormats = ['html', 'csv', 'junit', 'markdown', 'json', 'console'] as const

/** Workers when none are asked for: one a core, and no more than eight, as each holds its own sessions. */
export function defaultWorkers(): number {
  return Math.min(availableParallelism(), 8)
}

const text = z.string().min(1)

const modelSchema = z.strictObject({
  version: text.max(100).describe('name of the version, unique: v1'),
  path: text.describe('ONNX file, relative to this configuration'),
  layout: z
    .enum(['nchw', 'nhwc'])
    .optional()
    .describe("layout of the network's input (default: found from its shape)"),
  mean: z
    .array(z.number())
    .min(1)
    .optional()
    .describe(
      'per channel, in the units of the data: the network sees (x - mean) / std (default 0)',
    ),
  std: z
    .array(z.number().positive())
    .min(1)
    .optional()
    .describe('per channel, in the units of the data, above 0 (default 1)'),
  input: text
    .optional()
    .describe('name of the attacked input, for a network with several (default: the only one)'),
  output: text
    .optional()
    .describe(
      'name of the output with the logits, for a network with several (default: the only one)',
    ),
  constants: z
    .record(text, z.array(z.number()))
    .optional()
    .describe('values of the other inputs, by name, flat (default none)'),
  training: trainingSchema
    .optional()
    .describe('how this version is trained, for suites with poisons (default: as the others)'),
})

const reportSchema = z
  .strictObject({
    folder: text
      .default('gauntlet-report')
      .describe('folder for the reports, relative to this configuration (default gauntlet-report)'),
    formats: z
      .array(z.enum(reportFormats))
      .min(1)
      .default([...reportFormats])
      .describe('formats to write (default all)'),
  })
  .prefault({})
  .describe('where reports go, and which')

const gateSchema = z.strictObject({
  baseline: text
    .default('previous')
    .describe(
      'what the newest version is compared with: previous, first, a version, or baseline:NAME of the store (default previous)',
    ),
  rules: z.array(gateRuleSchema).min(1).describe('rules that decide; each must match something'),
  waivers: z
    .array(waiverSchema)
    .default([])
    .describe('failing rules that only warn until a date (default none)'),
})

const auditSchema = z
  .strictObject({
    model: z
      .boolean()
      .default(false)
      .describe(
        "search the file of every version for backdoors, as gauntlet audit model does: for the gate's rule backdoor-audit; takes minutes a version (default false)",
      ),
    samples: z
      .int()
      .min(20)
      .max(100_000)
      .default(300)
      .describe('samples of the data that triggers are searched with (default 300)'),
    seeds: z
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe('searches for each class; a class is flagged by most of them (default 3)'),
  })
  .prefault({})
  .describe('what is examined besides the attacks')

export const configSchema = z
  .strictObject({
    $schema: z.string().optional().describe('URL or path of this schema, for editors'),
    title: text.default('Gauntlet').describe('title of the reports (default Gauntlet)'),
    data: dataSchema,
    trainingData: dataSchema
      .optional()
      .describe(
        'samples that the models were trained on; those of the evaluation must not be among them, and suites with poisons poison them (default: not checked)',
      ),
    training: trainingSchema
      .optional()
      .describe(
        'how the versions are trained, for suites with poisons: by the built-in trainer, or by a command of your own (default none)',
      ),
    models: z.array(modelSchema).min(1).describe('versions of the model, oldest first'),
    surrogates: z
      .array(modelSchema)
      .default([])
      .describe(
        'models that attacks may be crafted on, and that are not attacked themselves (default none)',
      ),
    suites: z
      .array(z.union([text, suiteSchema]))
      .min(1)
      .default(['quick'])
      .describe('suites to run, each an id or written in place (default quick)'),
    workers: z
      .int()
      .min(1)
      .max(256)
      .optional()
      .transform((count) => count ?? defaultWorkers())
      .describe('worker threads (default: number of cores, at most 8)'),
    batch: z
      .int()
      .min(1)
      .max(65_536)
      .default(64)
      .describe('samples per call of the runtime; never changes a result (default 64)'),
    devices: z
      .array(z.enum(deviceNames))
      .min(1)
      .default(['cpu'])
      .describe('where models run: execution providers of ONNX Runtime (default cpu)'),
    seed: z
      .int()
      .min(0)
      .default(1)
      .describe('seed of every random draw; the same seed gives the same result (default 1)'),
    store: text
      .default('.gauntlet/results.db')
      .describe(
        'SQLite file with the results, relative to this configuration (default .gauntlet/results.db)',
      ),
    report: reportSchema,
    selfAudit: z
      .boolean()
      .default(true)
      .describe('examine whether the evaluation itself can be trusted (default true)'),
    audit: auditSchema,
    gate: gateSchema.optional().describe('what decides over the newest version (default: no gate)'),
    plugins: z
      .array(text)
      .default([])
      .describe(
        'attacks of your own: modules, relative to this configuration, or npm packages (default none)',
      ),
  })
  .superRefine((config, context) => {
    checkVersions([...config.models, ...config.surrogates], context)
    if (config.gate) checkGate(config.gate, config.models, context)
  })

/** A configuration as it is written. */
export type ConfigInput = z.input<typeof configSchema>

/** A checked configuration, defaults filled in. */
export type Config = z.output<typeof configSchema>

export type ModelConfig = Config['models'][number]
