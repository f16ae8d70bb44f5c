import { basename, resolve } from 'node:path'
import { GauntletError } from '../../errors.js'
import { lossNames, type AscentLoss } from '../../step/losses.js'
import { objectiveNames } from '../../step/objectives/index.js'
import { defineCommand } from '../command.js'
import type { Exported } from '../flows/export-gradient.js'
import { readAxis, readTerm } from '../flows/export-terms.js'
import type { Io } from '../io.js'
import { epsilon, inputOptions, normalisationOptions, range, wholeNumber } from '../options.js'

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

/** Options that say something about a gradient only. */
const gradientOnly = ['wrt', 'term', 'dtype', 'axis'] as const

export const exportCommand = defineCommand({
  command: 'export <what> <model>',
  describe: 'Write a compiled graph as an ONNX file',
  examples: [
    [
      'gauntlet export gradient net.onnx -o grad.onnx',
      "inputs: the model's, labels int64 [N]; outputs: logits, loss [N], gradient",
    ],
    [
      'gauntlet export gradient net.onnx --wrt x,conv1.weight --output logits --loss ce --dtype float64 -o grad.onnx',
      'any inputs, weights and outputs of the file; in double precision, to check a gradient',
    ],
    [
      'gauntlet export gradient net.onnx --term boxes:l1 --term scores:bce-logits:0.5 -o grad.onnx',
      'several losses, weighted; inputs target/boxes, target/scores',
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
      choices: objectiveNames,
      default: 'ce' as const,
      requiresArg: true,
      describe: 'loss per sample; of an attack ce, margin or dlr',
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
    wrt: {
      type: 'string',
      requiresArg: true,
      coerce: (text: string): string[] => text.split(',').map((name) => name.trim()),
      describe: 'gradient: inputs and weights to differentiate with respect to, with commas',
    },
    term: {
      type: 'array',
      string: true,
      requiresArg: true,
      conflicts: ['output'],
      coerce: (texts: string[]) => texts.map(readTerm),
      describe: 'gradient: OUTPUT:LOSS[:WEIGHT], instead of --output and --loss; may be repeated',
    },
    dtype: {
      choices: ['float32', 'float64'] as const,
      requiresArg: true,
      describe: 'gradient: precision of the graph (default float32)',
    },
    axis: {
      type: 'array',
      string: true,
      requiresArg: true,
      coerce: (texts: string[]) => Object.fromEntries(texts.map(readAxis)),
      describe: 'gradient: NAME=LENGTH of a symbolic axis other than the batch (default 1)',
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
    ...normalisationOptions,
    layout: inputOptions.layout,
  },
  async run(args, io) {
    const path = resolve(io.cwd, args.out)
    const model = resolve(io.cwd, args.model)
    if (args.what === 'gradient') {
      refuseStray(
        attackOnly.find((name) => args[name] !== undefined),
        'attack',
      )
      const { exportGradient } = await import('../flows/export-gradient.js')
      const options = { ...args, terms: args.term, sizes: args.axis }
      print(await exportGradient(model, path, options), args.json, io)
      return
    }
    refuseStray(
      gradientOnly.find((name) => args[name] !== undefined),
      'gradient',
    )
    const { exportAttack } = await import('../flows/export-attack.js')
    const exported = await exportAttack(model, path, {
      ...args,
      attack: args.attack ?? 'pgd',
      norm: args.norm ?? 'linf',
      epsilon: args.eps,
      stepSize: args['step-size'],
      targeted: args.targeted ?? false,
      loss: attackLoss(args.loss),
      range: args.range ?? [0, 1],
    })
    print(exported, args.json, io)
  },
})

function refuseStray(option: string | undefined, kind: 'attack' | 'gradient'): void {
  if (option !== undefined)
    throw new GauntletError('GNT_USAGE', {
      what: `an option of ${kind}s only`,
      where: `--${option}`,
      fix: `leave it out, or use gauntlet export ${kind}`,
    })
}

function attackLoss(name: string): AscentLoss {
  const found = lossNames.find((known) => known === name)
  if (found) return found
  throw new GauntletError('GNT_USAGE', {
    what: 'wrong value',
    where: '--loss',
    got: name,
    expected: `one of ${lossNames.join(', ')} for an attack`,
  })
}

function print(exported: Exported & { readonly readme?: string }, json: boolean, io: Io): void {
  if (json) {
    io.out(JSON.stringify(exported))
    return
  }
  const { path, nodes, opset, inputs, outputs, types, notes, readme } = exported
  const typed = (names: readonly string[]): string =>
    names.map((name) => (types ? `${name} ${types[name]}` : name)).join(', ')
  io.out(`wrote ${basename(path)}: ${nodes} nodes, opset ${opset}`)
  io.out(`inputs   ${typed(inputs)}`)
  io.out(`outputs  ${typed(outputs)}`)
  for (const note of notes) io.out(`note     ${note}`)
  if (readme) io.out(`wrote ${basename(readme)}: how to run it from Node and Python`)
}
