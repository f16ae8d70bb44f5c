/**
 * What poison does to a training, by `gauntlet poison`: a small network on real digits and on the synthetic glyphs, ten
 * trials each. Skips the digits with a reason where they are not there.
 *
 *   npm run build && node test/bench/poisoning.mjs [--only TEXT] [--trials N] [--write]
 *
 * `--write` puts the tables into POISONING.md beside this file.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadDataset } from '../../dist/src/data/load.js'
import { writeNpz } from '../../dist/src/data/npz-write.js'
import { takeSamples } from '../../dist/src/data/dataset.js'
import { GraphBuilder } from '../../dist/src/graph/builder.js'
import { tensorOfFloats } from '../../dist/src/graph/tensor.js'
import { encodeModel } from '../../dist/src/onnx/encode.js'
import { trainModel } from '../../dist/src/poison/train-model.js'
import { formatPercent, formatPoints, formatShareInterval } from '../../dist/src/stats/format.js'
import { meanDifference } from '../../dist/src/stats/trials.js'
import { createRng } from '../../dist/src/util/rng.js'

const root = join(import.meta.dirname, '../..')
const program = join(root, 'dist/src/cli/main.js')
const digitsFile = join(root, '../shared/data/digits/digits.npz')
const workers = 2
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    trials: { type: 'string', default: '10' },
    write: { type: 'boolean' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'gauntlet-poisoning-'))
const file = (name) => join(folder, name)

/** Two convolutions and two linear layers over pictures of one channel, `side` pixels wide; weights as He et al. 2015. */
function network(side) {
  const initializers = {}
  const layer = (name, dims) => {
    const rng = createRng('poisoning bench', side, name)
    const fan = dims.slice(1).reduce((a, b) => a * b, 1)
    const values = Array.from({ length: fan * dims[0] }, () => Math.sqrt(2 / fan) * rng.normal())
    initializers[`${name}.weight`] = tensorOfFloats(dims, values)
    initializers[`${name}.bias`] = tensorOfFloats([dims[0]], new Float32Array(dims[0]))
    return [`${name}.weight`, `${name}.bias`]
  }
  const input = { name: 'image', dtype: 'float32', dims: ['N', 1, side, side] }
  const names = ['conv1', 'conv2', 'fc1', 'fc2']
  // Both convolutions halve the glyphs; of the digits, of 8 × 8 pixels, the second one alone.
  const strides = side > 8 ? [2, 2] : [1, 2]
  const left = side / (strides[0] * strides[1])
  const dims = [
    [16, 1, 3, 3],
    [32, 16, 3, 3],
    [64, 32 * left * left],
    [10, 64],
  ]
  const layers = names.map((name, i) => layer(name, dims[i]))
  const g = new GraphBuilder({
    name: 'small',
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [input],
    outputs: [],
    initializers,
    nodes: [],
  })
  let value = 'image'
  strides.forEach((stride, i) => {
    const attrs = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [stride, stride] }
    value = g.emit('Relu', [g.emit('Conv', [value, ...layers[i]], attrs)])
  })
  value = g.emit('Flatten', [value], { axis: 1 })
  value = g.emit('Relu', [g.emit('Gemm', [value, ...layers[2]], { transB: 1 })])
  value = g.emit('Gemm', [value, ...layers[3]], { transB: 1 })
  return g.finish([input], [{ name: value, dtype: 'float32', dims: ['N', 10] }])
}

/** The digits in two parts, as files; and a network that was trained on the first, as the start of a fine-tuning. */
async function prepareDigits() {
  const data = await loadDataset({ path: digitsFile, range: [0, 16] })
  const order = Array.from({ length: data.count }, (_, i) => i)
  const rng = createRng('poisoning bench split')
  for (let i = order.length - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  const part = (indices) => ({
    x: takeSamples(data, indices),
    labels: Int32Array.from(indices, (i) => data.labels[i]),
  })
  const [train, test] = [part(order.slice(0, 1437)), part(order.slice(1437))]
  for (const [name, { x, labels }] of Object.entries({ train, test }))
    writeFileSync(
      file(`${name}.npz`),
      writeNpz({
        x: { shape: [labels.length, ...data.shape], data: Uint8Array.from(x) },
        y: { shape: [labels.length], data: labels },
      }),
    )
  writeFileSync(file('digits.onnx'), encodeModel(network(8)))
  const { graph } = await trainModel({
    graph: network(8),
    data: { ...train, shape: data.shape },
    options: {
      epochs: 20,
      learningRate: 0.05,
      optimizer: { kind: 'sgd', momentum: 0.9 },
      schedule: { kind: 'cosine' },
      input: digitsInput,
    },
    seed: 1,
  })
  writeFileSync(file('trained.onnx'), encodeModel(graph))
}

const digitsInput = { mean: [0], std: [16] }
const digits = [
  '--data',
  file('train.npz'),
  '--test',
  file('test.npz'),
  '--range',
  '0..16',
  '--std',
  '16',
  '--mean',
  '0',
]
const glyphs = ['--data', 'glyphs', '--limit', '2000', '--test', 'glyphs', '--test-limit', '500']
const scratch = ['--training', 'epochs=20', 'learningRate=0.05', 'schedule=cosine']
const fineTune = ['--training', 'from=fine-tune', 'epochs=10', 'learningRate=0.01']
const detectors = ['--detectors', 'spectral-signatures', 'activation-clustering', 'spectre']

/** What is measured: one section each. */
const cases = [
  {
    title: 'BadNets at 5 % of the digits',
    args: [
      'digits.onnx',
      ...digits,
      '--poison',
      'badnets',
      '--rate',
      '5%/dataset',
      ...scratch,
      ...detectors,
    ],
  },
  {
    title: 'Label flip, at rising rates, on the digits',
    args: [
      'digits.onnx',
      ...digits,
      '--poison',
      'label-flip',
      ...[10, 20, 40, 60].flatMap((rate) => ['--rate', `${rate}%/dataset`]),
      ...scratch,
    ],
  },
  {
    title: 'Gradient matching at 1 % of the digits, in fine-tuning',
    args: [
      'trained.onnx',
      ...digits,
      '--poison',
      'gradient-matching',
      '--rate',
      '1%/dataset',
      ...fineTune,
    ],
  },
  {
    title: 'BadNets at 5 % of the glyphs',
    args: [
      'glyphs.onnx',
      ...glyphs,
      '--poison',
      'badnets',
      '--rate',
      '5%/dataset',
      ...scratch,
      ...detectors,
    ],
    needsNoFile: true,
  },
]

function measure({ args: [model, ...args] }) {
  const more = ['--trials', flags.trials, '--workers', String(workers), '--json']
  const text = execFileSync(process.execPath, [program, 'poison', file(model), ...args, ...more], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  })
  return JSON.parse(text)
}

const line = (cells) => `| ${cells.join(' | ')} |`

function table(head, rows) {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const interval = (mean) =>
  `${formatPercent(mean.estimate)} (${formatShareInterval(mean).replace('95 % CI ', '')})`
const rateText = ({ value, of }) =>
  `${Number((value * 100).toPrecision(6))} % of ${of === 'dataset' ? 'the data set' : of}`

const share = ({ successes, trials }) => successes / trials

/** Clean accuracy of the clean arm − of the poisoned one, in the trials that have both. */
function cleanLoss(trials) {
  const losses = trials.map(({ arms }) => {
    const of = (name) => share(arms.find(({ arm }) => arm === name).cleanAccuracy)
    return of('clean') - of('poisoned')
  })
  return meanDifference(losses)
}

function sectionOf({ title }, { summaries, trials, seconds }) {
  const rows = summaries.flatMap(({ rate, arms }) =>
    arms.map((one) => [
      rateText(rate),
      one.arm,
      one.removed > 0
        ? `${formatPercent(one.removed)}, ${formatPercent(one.removedPoisons)} of the poison`
        : '–',
      interval(one.cleanAccuracy),
      interval(one.attackSuccess),
      `${one.successfulTrials.successes} of ${one.successfulTrials.trials} (${formatShareInterval(one.successfulTrials).replace('95 % CI ', '')})`,
    ]),
  )
  const head = [
    'Rate',
    'Trained on',
    'Taken out',
    'Clean accuracy %',
    'Attack success %',
    'Successful trials',
  ]
  const found = summaries.flatMap(({ detectors: list }) =>
    list.map((one) =>
      one.notApplicable === null
        ? `${one.detector} finds ${formatPercent(one.truePositives)} of the poison, flags ${formatPercent(one.falsePositives)} of the rest and ${formatPercent(one.flaggedInControl)} of clean data.`
        : `${one.detector} does not apply: ${one.notApplicable}.`,
    ),
  )
  const paths = summaries.flatMap(({ paths: own }) =>
    Object.entries(own).map(([name, share]) => `${name} ${formatPercent(share)}`),
  )
  const loss =
    summaries.length === 1
      ? [`Clean accuracy lost: ${formatPoints(cleanLoss(trials).estimate)}.`]
      : []
  return [
    `### ${title}`,
    table(head, rows),
    [
      ...loss,
      ...found,
      ...(paths.length ? [`Success by path: ${paths.join(', ')}.`] : []),
      `${Math.round(seconds)} s.`,
    ].join(' '),
  ].join('\n\n')
}

const start = performance.now()
const load = loadavg()[0]
try {
  const hasDigits = existsSync(digitsFile)
  if (hasDigits) await prepareDigits()
  else console.log('skipped: the digits; ../shared/data/digits is absent')
  writeFileSync(file('glyphs.onnx'), encodeModel(network(28)))
  const sections = []
  for (const one of cases) {
    if (!one.title.includes(flags.only) || !(hasDigits || one.needsNoFile)) continue
    const section = sectionOf(one, measure(one))
    console.log(`${section}\n`)
    sections.push(section)
  }
  const minutes = ((performance.now() - start) / 60_000).toFixed(1)
  console.log(`${minutes} minutes`)
  if (flags.write) {
    const { format } = await import('prettier')
    const text = [
      '# What poison does to a training',
      `\`gauntlet poison\` with ${workers} workers on ${cpus().length} cores of ${cpus()[0].model.trim()}, the machine having a load of ${load.toFixed(1)}: ${minutes} minutes in all. The network has two convolutions and two linear layers; it is trained from new weights for 20 epochs, or fine-tuned for 10 from a file that was trained on the same data. Digits: 1,437 to train on, 360 to test; glyphs: 2,000 and 500. Each trial has its own target, source and seed. In brackets 95 % intervals over trials: of clean accuracy those of Student, of attack success those that \`src/stats/trials.ts\` describes, of successful trials those of Clopper and Pearson; a trial is successful when half of its attacked samples reach the goal. \`random\` takes out as many samples as the largest filter, \`oracle\` exactly the poison. Written by \`node test/bench/poisoning.mjs --write\`.`,
      ...sections,
    ].join('\n\n')
    const page = join(import.meta.dirname, 'POISONING.md')
    writeFileSync(
      page,
      await format(text, { parser: 'markdown', printWidth: 120, proseWrap: 'always' }),
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
