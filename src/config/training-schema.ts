import { z } from 'zod'

const text = z.string().min(1)
const share = z.number().min(0).max(1)
const decay = z.number().min(0).optional()

const optimizers = [
  z.strictObject({
    kind: z.literal('sgd'),
    momentum: z
      .number()
      .min(0)
      .lt(1)
      .default(0.9)
      .describe('share of the last update that goes on, below 1 (default 0.9)'),
    nesterov: z.boolean().optional().describe('look ahead along the momentum (default false)'),
    weightDecay: decay.describe('L2 penalty of the weights (default 0)'),
  }),
  z.strictObject({
    kind: z.enum(['adam', 'adamw']).describe('adam or adamw'),
    weightDecay: decay.describe('decay of the weights (default 0; of adamw 0.01)'),
    beta1: share.optional().describe('how much of the mean of gradients stays (default 0.9)'),
    beta2: share.optional().describe('how much of the mean of their squares stays (default 0.999)'),
  }),
] as const

const optimizerSchema = z
  .union([z.enum(['sgd', 'adam', 'adamw']), ...optimizers])
  .default('sgd')
  .transform((value) =>
    typeof value === 'string'
      ? value === 'sgd'
        ? { kind: value, momentum: 0.9 }
        : { kind: value }
      : value,
  )
  .describe('sgd with momentum 0.9, adam or adamw, or one with its options (default sgd)')

const warmUp = share
  .optional()
  .describe('share of all steps over which the learning rate rises from 0 (default 0)')

const scheduleSchema = z
  .union([
    z.enum(['constant', 'cosine', 'linear']),
    z.strictObject({ kind: z.literal('constant'), warmUp }),
    z.strictObject({
      kind: z.enum(['cosine', 'linear']).describe('cosine or linear'),
      warmUp,
      end: share.optional().describe('factor of the learning rate at the end (default 0)'),
    }),
    z.strictObject({
      kind: z.literal('step'),
      epochs: z.array(z.int().min(1)).min(1).describe('epochs at which it falls, counted from 0'),
      factor: z.number().gt(0).optional().describe('what it falls by (default 0.1)'),
      warmUp,
    }),
  ])
  .default('constant')
  .transform((value) => (typeof value === 'string' ? { kind: value } : value))
  .describe('how the learning rate goes: constant, cosine, linear or step (default constant)')

const augmentSchema = z
  .strictObject({
    flip: share.optional().describe('probability of mirroring left to right (default 0)'),
    crop: z
      .int()
      .min(0)
      .optional()
      .describe('pixels of padding on each side, before a random crop (default 0)'),
    cutout: z.int().min(0).optional().describe('side in pixels of a square to blank (default 0)'),
    fill: z.number().optional().describe('value of what is blanked, as the data (default 0)'),
  })
  .optional()
  .describe('random changes of the images in training (default none)')

const builtInSchema = z.strictObject({
  from: z
    .enum(['scratch', 'fine-tune', 'head'])
    .default('scratch')
    .describe(
      'scratch: all weights anew; fine-tune: all go on from the file; head: those of the last linear layer do (default scratch)',
    ),
  epochs: z.int().min(1).max(10_000).default(10).describe('times through the data (default 10)'),
  batch: z.int().min(1).max(65_536).default(64).describe('samples of a step (default 64)'),
  optimizer: optimizerSchema,
  learningRate: z
    .number()
    .gt(0)
    .optional()
    .describe('learning rate, above 0 (default 0.01 with sgd, 0.001 with adam and adamw)'),
  schedule: scheduleSchema,
  augment: augmentSchema,
  clipNorm: z
    .number()
    .gt(0)
    .optional()
    .describe('greatest Euclidean norm of all gradients together (default none)'),
})

const commandSchema = z.strictObject({
  command: z
    .union([text, z.array(text).min(1)])
    .describe(
      'command that trains: {data} is the npz to train on, {out} the ONNX file to leave, {seed} a whole number, {base} the ONNX file of the version, {folder} a work folder',
    ),
  timeout: z
    .number()
    .gt(0)
    .max(604_800)
    .default(3600)
    .describe('seconds that one training may take (default 3600)'),
  cwd: text
    .default('.')
    .describe('folder it starts in, relative to this configuration (default: that of this file)'),
  files: z
    .array(text)
    .default([])
    .describe(
      'files that the command reads, relative to this configuration: results are kept for as long as they stay the same (default: those that the command names)',
    ),
  shell: z
    .boolean()
    .default(false)
    .describe('run it by the shell, for pipes and variables (default false)'),
  keepFolder: z
    .boolean()
    .default(false)
    .describe('keep the work folder of each training, with its log (default false)'),
})

/** How the versions are trained; a command is told from the built-in trainer by its key. */
export const trainingSchema = z.union([builtInSchema, commandSchema])

export type TrainingConfig = z.output<typeof trainingSchema>
