import { deviceNames } from '../../runtime/device.js'
import { defineCommand } from '../command.js'
import { exitForStatus } from '../exit-codes.js'
import {
  inputOptions,
  layoutOption,
  namesOption,
  openShare,
  poisonRate,
  seconds,
  text,
  wholeNumber,
} from '../options.js'

const list = (describe: string) =>
  ({ type: 'array', string: true, requiresArg: true, describe }) as const

export const poisonCommand = defineCommand({
  command: 'poison <model>',
  describe: 'Poison the training data of one model, train, and measure',
  examples: [
    [
      'gauntlet poison net.onnx --data train.npz --test test.npz --poison badnets --rate 5%/dataset',
      'the built-in trainer, from scratch, ten trials',
    ],
    [
      'gauntlet poison net.onnx --data train.npz --test test.npz --poison label-flip --rate 10%/dataset --rate 30%/dataset --detectors spectral-signatures,spectre',
      'a curve over two rates, with two detectors',
    ],
    [
      'gauntlet poison net.onnx --data d.npz --test t.npz --poison badnets --rate 5%/dataset --command "python train.py --data {data} --out {out} --seed {seed}"',
      'your own training',
    ],
  ],
  positionals: {
    model: { type: 'string', demandOption: true, describe: 'ONNX file: the network to train' },
  },
  options: {
    data: { ...text('training samples: file, folder, or glyphs'), demandOption: true },
    test: { ...text('test samples: file, folder, or glyphs'), demandOption: true },
    poison: { ...text('poison; see gauntlet attacks'), demandOption: true },
    rate: {
      ...list(
        'poison rate with what it is a share of: 5%/dataset, 10%/targetClass; may be given several times',
      ),
      demandOption: true,
    },
    trials: {
      type: 'number',
      requiresArg: true,
      default: 10,
      coerce: wholeNumber('trials', { min: 1, max: 1000 }),
      describe: 'trainings that differ in source, target and seed',
    },
    source: text('class that shall be taken for another, or any (default: as the poison needs)'),
    target: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('target'),
      describe: 'class it shall be taken for (default: drawn for each trial)',
    },
    param: list('parameter of the poison: --param size=0.2'),
    plugin: list('module or npm package with poisons of your own; may be given several times'),
    detectors: namesOption('detectors whose filter is tried, with commas between them'),
    'false-positive-rate': {
      type: 'number',
      requiresArg: true,
      default: 0.05,
      coerce: openShare('false-positive-rate'),
      describe: 'share of clean samples that a detector may flag',
    },
    training: list(
      'setting of the built-in trainer: --training epochs=20 from=fine-tune optimizer=adam learningRate=0.001',
    ),
    command: text(
      'command that trains instead; {data}, {out}, {seed}, {base} and {folder} are put in',
    ),
    shell: { type: 'boolean', default: false, describe: 'run the command by the shell' },
    timeout: {
      type: 'number',
      requiresArg: true,
      coerce: seconds('timeout'),
      describe: 'seconds that the command may take (default 3600)',
    },
    'keep-folder': {
      type: 'boolean',
      default: false,
      describe: 'keep the work folder of each run of the command',
    },
    ...inputOptions,
    layout: layoutOption('layout of the images (default: found)'),
    limit: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('limit', { min: 1 }),
      describe: 'only the first training samples',
    },
    'test-limit': {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('test-limit', { min: 1 }),
      describe: 'only the first test samples',
    },
    device: {
      choices: deviceNames,
      default: 'cpu' as const,
      requiresArg: true,
      describe: 'execution provider of ONNX Runtime; see gauntlet doctor',
    },
    workers: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('workers', { min: 1, max: 256 }),
      describe: 'trials at the same time (default: one a core, at most 8)',
    },
    seed: {
      type: 'number',
      requiresArg: true,
      default: 1,
      coerce: wholeNumber('seed'),
      describe: 'seed of every random draw',
    },
  },
  async run(args, io) {
    const { poisonOnce } = await import('../flows/poison-once.js')
    const { printPoison } = await import('../flows/poison-table.js')
    const result = await poisonOnce(
      {
        ...args,
        rates: args.rate.map(poisonRate),
        source: args.source === undefined ? undefined : sourceOf(args.source),
        params: args.param ?? [],
        plugins: args.plugin ?? [],
        detectors: args.detectors ?? [],
        falsePositiveRate: args['false-positive-rate'],
        training: args.training ?? [],
        timeoutSeconds: args.timeout,
        keepFolder: args['keep-folder'],
        testLimit: args['test-limit'],
      },
      io,
      { quiet: args.json },
    )
    if (args.json) io.out(JSON.stringify(result))
    else printPoison(result, io)
    if (result.failures.length > 0) io.exitCode = exitForStatus('incomplete')
  },
})

function sourceOf(text: string): number | 'any' {
  return text === 'any' ? text : wholeNumber('source')(text)
}
