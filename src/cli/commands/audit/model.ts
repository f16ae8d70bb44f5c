import { defineCommand } from '../../command.js'
import { formatOption, inputOptions, text, wholeNumber } from '../../options.js'

export const auditModelCommand = defineCommand({
  command: 'model <model>',
  describe: 'Scan a model file; search a trigger to each of its classes',
  examples: [
    [
      'gauntlet audit model net.onnx --data clean.npz --previous v12.onnx --out audit',
      'which classes a small trigger reaches, and which it did not reach in v12',
    ],
    [
      'gauntlet audit model net.onnx --data clean.npz --fail-on flagged',
      'exit 10 if anything is flagged',
    ],
    [
      'gauntlet audit model v13.onnx --previous v12.onnx --declared head',
      'no samples: scan the file, and compare weights and layers',
    ],
    ['gauntlet audit model model.json', 'a TF.js or Keras model: scanned, never run'],
  ],
  positionals: {
    model: {
      type: 'string',
      demandOption: true,
      describe: 'ONNX file, or .json of TF.js or Keras',
    },
  },
  options: {
    data: text('file or folder with some hundred clean samples, or glyphs'),
    previous: text('the version before: same samples, same seeds'),
    declared: {
      choices: ['any', 'head'] as const,
      default: 'any' as const,
      requiresArg: true,
      describe: 'what was to change since; with head, any change elsewhere is a finding',
    },
    out: {
      ...text('folder for the page audit.html, audit.json and the triggers as pictures'),
      alias: 'o',
    },
    'fail-on': {
      choices: ['never', 'flagged'] as const,
      default: 'never' as const,
      requiresArg: true,
      describe:
        'flagged: exit 10 on a flagged or newly reachable class, or an error in the file; 11 if it was not run',
    },
    seeds: {
      type: 'number',
      requiresArg: true,
      default: 3,
      coerce: wholeNumber('seeds', { min: 1, max: 99 }),
      describe: 'searches from so many random starts; most of them must agree',
    },
    seed: {
      type: 'number',
      requiresArg: true,
      default: 1,
      coerce: wholeNumber('seed'),
      describe: 'the first of them',
    },
    limit: {
      type: 'number',
      requiresArg: true,
      default: 300,
      coerce: wholeNumber('limit', { min: 1 }),
      describe: 'most samples that are used, drawn from all',
    },
    steps: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('steps', { min: 20 }),
      describe: 'most steps of a search (default 300 for patches, 200 for additive triggers)',
    },
    workers: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('workers', { min: 1, max: 256 }),
      describe: 'searches at the same time (default: one a core, at most 8)',
    },
    ...inputOptions,
    labels: text('label file beside npy or idx data'),
    format: formatOption('format of the data (default: found)'),
    input: text('input of a network with several'),
    output: text('logits of a network with several outputs'),
  },
  async run(args, io) {
    const { auditOnce } = await import('../../flows/audit-model.js')
    const { printAudit } = await import('../../flows/print-audit.js')
    const { audit, written } = await auditOnce({ ...args, failOn: args['fail-on'] }, io)
    if (args.json) io.out(JSON.stringify(audit))
    else printAudit(audit, written, io)
  },
})
