import { basename, resolve } from 'node:path'
import { GauntletError } from '../../errors.js'
import { lossNames } from '../../step/losses.js'
import { defineCommand } from '../command.js'
import type { Exported } from '../flows/export-gradient.js'
import type { Io } from '../io.js'
import { epsilon, numberList, positiveList, range, wholeNumber } from '../options.js'

/** Options that say something about an attack only. */
const attackOnly = [
  'attack',
  'norm',
  'eps',
  'steps',
  'step-size',
  'targeted',
  'range',
  'mean',
  'std',
  'layout',
] as const

export const exportCommand = defineCommand({
  command: 'export <what> <model>',
  describe: 'Write a compiled graph as an ONNX file',
  examples: [
    [
      'gauntlet export gradient net.onnx -o grad.onnx',
      "inputs: the model's, labels int64 [N]; outputs: logits, loss [N], gradient",
    ],
    [
      'gauntlet export attack net.onnx --attack pgd --eps 8/255 --steps 40 -o step.onnx',
      'one PGD step as a graph, and step.README.md: how to run it from Node and Python',
    ],
  ],
  positionals: {
    what: {
      choices: ['gradient', 'attack'] as const,
      demandOption: true,
      describe: 'gradient: the model with its backward pass; attack: a whole attack step',
    },
    model: { type: 'string', demandOption: true, describe: 'ONNX file' },
  },
  options: {
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      demandOption: true,
      describe: 'file to write',
    },
    loss: {
      choices: lossNames,
      default: 'ce' as const,
      requiresArg: true,
      describe: 'loss per sample',
    },
    input: {
      type: 'string',
      requiresArg: true,
      describe: 'input to differentiate, of a network with several',
    },
    output: {
      type: 'string',
      requiresArg: true,
      describe: 'logits, of a network with several outputs',
    },
    attack: {
      choices: ['pgd', 'fgsm'] as const,
      requiresArg: true,
      describe: 'attack (default pgd)',
    },
    norm: {
      choices: ['linf', 'l2', 'l1'] as const,
      requiresArg: true,
      describe: 'norm of the attack (default linf)',
    },
    eps: {
      type: 'string',
      requiresArg: true,
      coerce: epsilon('eps'),
      describe: 'epsilon of the attack: 0.03 or 8/255 (default 8/255 in L∞)',
    },
    steps: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('steps', { min: 1 }),
      describe: 'how often the step is to be taken (default 40)',
    },
    'step-size': {
      type: 'string',
      requiresArg: true,
      coerce: epsilon('step-size'),
      describe: 'step size, in the units of epsilon (default 2.5 × epsilon / steps)',
    },
    targeted: { type: 'boolean', describe: 'towards classes that are fed as `targets`' },
    range: {
      type: 'string',
      requiresArg: true,
      coerce: range('range'),
      describe: 'range of the attacked data (default 0..1)',
    },
    mean: {
      type: 'string',
      requiresArg: true,
      coerce: numberList('mean'),
      describe: 'per channel: the network sees (x - mean) / std',
    },
    std: {
      type: 'string',
      requiresArg: true,
      coerce: positiveList('std'),
      describe: 'per channel, above 0',
    },
    layout: {
      choices: ['nchw', 'nhwc'] as const,
      requiresArg: true,
      describe: "layout of the network's input (default: found)",
    },
  },
  async run(args, io) {
    const path = resolve(io.cwd, args.out)
    const model = resolve(io.cwd, args.model)
    if (args.what === 'gradient') {
      const stray = attackOnly.find((name) => args[name] !== undefined)
      if (stray)
        throw new GauntletError('GNT_USAGE', {
          what: 'an option of attacks only',
          where: `--${stray}`,
          fix: 'leave it out, or use gauntlet export attack',
        })
      const { exportGradient } = await import('../flows/export-gradient.js')
      print(await exportGradient(model, path, args), args.json, io)
      return
    }
    const { exportAttack } = await import('../flows/export-attack.js')
    const exported = await exportAttack(model, path, {
      ...args,
      attack: args.attack ?? 'pgd',
      norm: args.norm ?? 'linf',
      epsilon: args.eps,
      stepSize: args['step-size'],
      targeted: args.targeted ?? false,
      range: args.range ?? [0, 1],
    })
    print(exported, args.json, io)
  },
})

function print(exported: Exported & { readonly readme?: string }, json: boolean, io: Io): void {
  if (json) {
    io.out(JSON.stringify(exported))
    return
  }
  const { path, nodes, opset, inputs, outputs, notes, readme } = exported
  io.out(`wrote ${basename(path)}: ${nodes} nodes, opset ${opset}`)
  io.out(`inputs   ${inputs.join(', ')}`)
  io.out(`outputs  ${outputs.join(', ')}`)
  for (const note of notes) io.out(`note     ${note}`)
  if (readme) io.out(`wrote ${basename(readme)}: how to run it from Node and Python`)
}
