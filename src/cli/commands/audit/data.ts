import { GauntletError } from '../../../errors.js'
import { defineCommand } from '../../command.js'
import {
  formatOption,
  layoutOption,
  limited,
  namesOption,
  range,
  text,
  wholeNumber,
} from '../../options.js'

export const auditDataCommand = defineCommand({
  command: 'data <data>',
  describe:
    'Look for poisoned and mislabelled samples, and for what changed since the last version',
  examples: [
    [
      'gauntlet audit data train.npz --control v12.npz --previous v12.npz',
      'v12 is trusted: detectors that flag too much of it are void',
    ],
    [
      'gauntlet audit data train.npz --model net.onnx --out suspects.csv --report audit',
      'look through the network that was trained on the data',
    ],
    [
      'gauntlet audit data table.csv --detectors label-conflict,confident-learning',
      'wrong labels of a table',
    ],
  ],
  positionals: {
    data: { type: 'string', demandOption: true, describe: 'file or folder, or glyphs' },
  },
  options: {
    previous: text('the version before: counts what was added, removed and relabelled'),
    control: text('data that you trust: each detector must keep its rate there'),
    model: text('ONNX file, trained on these data (default: a small network is trained on them)'),
    detectors: namesOption('which, with commas between them (default: all)'),
    'false-positive-rate': {
      type: 'number',
      requiresArg: true,
      default: 0.01,
      coerce: rate('false-positive-rate'),
      describe: 'share of clean samples that a detector may flag',
    },
    out: { ...text('CSV file for the suspects'), alias: 'o' },
    report: text('folder for the page audit-data.html with pictures, and audit-data.json'),
    folds: {
      type: 'number',
      requiresArg: true,
      default: 5,
      coerce: wholeNumber('folds', { min: 2, max: 100 }),
      describe: 'networks trained for out-of-sample probabilities',
    },
    seed: {
      type: 'number',
      requiresArg: true,
      default: 1,
      coerce: wholeNumber('seed'),
      describe: 'seed of every random draw',
    },
    limit: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('limit', { min: 1 }),
      describe: 'only the first samples, of all data that are read',
    },
    range: {
      type: 'string',
      requiresArg: true,
      coerce: range('range'),
      describe: 'range of the stored values: 0..1, 0..255',
    },
    layout: layoutOption('layout of stored images'),
    labels: text('label file of .npy or IDX data'),
    format: formatOption('format of the data'),
  },
  async run({ 'false-positive-rate': falsePositiveRate, json, ...args }, io) {
    const { auditDataOnce } = await import('../../flows/audit-data.js')
    const { printDataAudit } = await import('../../flows/print-data-audit.js')
    const { audit, written } = await auditDataOnce({ ...args, falsePositiveRate, json }, io)
    if (json) io.out(JSON.stringify(audit))
    else printDataAudit(audit, written, io)
  },
})

function rate(name: string) {
  return limited('above 0, at most 0.5', (value: string | number): number => {
    const share = Number(value)
    if (value !== '' && share > 0 && share <= 0.5) return share
    throw new GauntletError('GNT_USAGE', {
      what: 'wrong value',
      where: `--${name}`,
      got: JSON.stringify(value),
      expected: 'a share above 0, up to 0.5',
    })
  })
}
