import { deviceNames } from '../../runtime/device.js'
import { norms } from '../../threat/threat-model.js'
import { defineCommand } from '../command.js'
import { epsilon, formatOption, inputOptions, text, wholeNumber } from '../options.js'

export const attackCommand = defineCommand({
  command: 'attack <model>',
  describe: 'Attack one model once, without a configuration',
  examples: [
    [
      'gauntlet attack net.onnx --data images.npz --eps 8/255 --mean .49,.48,.45 --std .2,.2,.2',
      'PGD-40 in L∞ on 8-bit images',
    ],
    [
      'gauntlet attack net.onnx --data d.npz --norm l2 --eps 0.5 --save adv.npz',
      'keep x_adv, x, y, success',
    ],
  ],
  positionals: { model: { type: 'string', demandOption: true, describe: 'ONNX file' } },
  options: {
    data: { ...text('file or folder with samples, or glyphs'), demandOption: true },
    attack: { ...text('attack; see gauntlet attacks'), default: 'pgd' },
    norm: {
      choices: norms,
      default: 'linf' as const,
      requiresArg: true,
      describe: 'norm',
    },
    eps: {
      type: 'string',
      requiresArg: true,
      coerce: epsilon('eps'),
      describe: 'epsilon, in the units of the data: 0.03 or 8/255 (default 8/255 in L∞)',
    },
    steps: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('steps', { min: 1 }),
      describe: 'gradient steps',
    },
    'step-size': {
      type: 'string',
      requiresArg: true,
      coerce: epsilon('step-size'),
      describe: 'step size, in the units of epsilon (default 2.5 × epsilon / steps)',
    },
    restarts: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('restarts', { min: 1 }),
      describe: 'runs on what still stands (default: as the attack says)',
    },
    eot: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('eot', { min: 1, max: 1000 }),
      describe: 'passes over which a random model is averaged at each call (default 1)',
    },
    surrogate: text('ONNX file that examples are crafted on: a transfer attack'),
    loss: text('loss to ascend: ce, margin or dlr'),
    param: {
      type: 'array',
      string: true,
      requiresArg: true,
      describe: 'any other parameter of the attack: --param tries=100',
    },
    quantize: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('quantize', { min: 1, max: 16 }),
      describe: 'an example counts after rounding to so many bits: 8 for pixels (default: none)',
    },
    features: text(
      'JSON or YAML file: what may be done with single columns, as features of a suite',
    ),
    target: text('targeted: random, least-likely, next, or a class (default: untargeted)'),
    ...inputOptions,
    labels: text('label file beside npy or idx data'),
    format: formatOption('format of the data (default: found)'),
    plugin: {
      type: 'array',
      string: true,
      requiresArg: true,
      describe: 'module or npm package with attacks of your own; may be given several times',
    },
    input: text('attacked input of a network with several'),
    output: text('logits of a network with several outputs'),
    limit: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('limit', { min: 1 }),
      describe: 'only the first samples',
    },
    batch: {
      type: 'number',
      requiresArg: true,
      default: 64,
      coerce: wholeNumber('batch', { min: 1, max: 65_536 }),
      describe: 'samples per call of the runtime; never changes a result',
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
      describe: 'worker threads (default: one a core, at most 8)',
    },
    seed: {
      type: 'number',
      requiresArg: true,
      default: 1,
      coerce: wholeNumber('seed'),
      describe: 'seed of every random draw',
    },
    save: text('write the examples to this .npz: x_adv, x, y, success'),
  },
  async run(args, io) {
    const { attackOnce, printAttack } = await import('../flows/attack-once.js')
    const result = await attackOnce(
      {
        ...args,
        epsilon: args.eps,
        stepSize: args['step-size'],
        params: args.param ?? [],
        plugins: args.plugin ?? [],
      },
      io,
      { quiet: args.json },
    )
    if (args.json) io.out(JSON.stringify(result.summary))
    else printAttack(result, io)
  },
})
