/**
 * Writes what gauntlet.config.yaml speaks of into a folder: a made-up table of loans, two networks trained on it, and the
 * configuration itself.
 *
 *   npm run build && node test/examples/tabular/make.mjs FOLDER && cd FOLDER && npx gauntlet run
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { takeSamples } from '../../../dist/src/data/dataset.js'
import { loadDataset } from '../../../dist/src/data/load.js'
import { tensorOfFloats } from '../../../dist/src/graph/tensor.js'
import { encodeModel } from '../../../dist/src/onnx/encode.js'
import { Trainer } from '../../../dist/src/poison/trainer.js'
import { createRng } from '../../../dist/src/util/rng.js'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('name a folder')
const table = join(folder, 'loans.csv')

const columns = ['age', 'income', 'debt', 'children', 'city', 'town', 'village']

/** A row of the table: who pays back, but for some luck, has income, age and little debt. */
function rowOf(rng) {
  const [age, children, home] = [18 + rng.below(70), rng.below(5), rng.below(3)]
  const income = Math.round(10 * Math.min(150, Math.exp(3.8 + 0.5 * rng.normal()))) / 10
  const debt = Math.round(10 * 80 * rng.uniform() ** 2) / 10
  const score =
    0.05 * (income - 45) -
    0.06 * (debt - 25) +
    0.02 * (age - 50) -
    0.2 * children +
    0.5 * (home - 1)
  const isPaid = score + 0.5 * rng.normal() > 0
  return [age, income, debt, children, ...[0, 1, 2].map((k) => Number(k === home)), Number(isPaid)]
}

function writeTable() {
  const rng = createRng('loans')
  const rows = Array.from({ length: 400 }, () => rowOf(rng).join(','))
  writeFileSync(table, `${[[...columns, 'label'].join(','), ...rows].join('\n')}\n`)
}

/** Means and standard deviations of the columns. */
function measure(x, size) {
  const own = Array.from({ length: size }, (_, i) => x.filter((_, at) => at % size === i))
  const mean = own.map((values) => values.reduce((a, b) => a + b, 0) / values.length)
  const std = own.map((values, i) =>
    Math.sqrt(values.reduce((sum, value) => sum + (value - mean[i]) ** 2, 0) / values.length),
  )
  return { mean, std }
}

const node = (op, inputs, output) => ({
  op,
  name: '',
  domain: '',
  inputs,
  outputs: [output],
  attrs: {},
})

/** Two layers behind the columns' own scales, which are part of the network. */
function graphOf(x, size, hidden) {
  const rng = createRng('weights')
  const noise = (dims, scale) => {
    const count = dims.reduce((a, b) => a * b, 1)
    return tensorOfFloats(
      dims,
      Array.from({ length: count }, () => scale * rng.normal()),
    )
  }
  const { mean, std } = measure(x, size)
  return {
    name: 'loans',
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [{ name: 'x', dtype: 'float32', dims: ['N', size] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: ['N', 2] }],
    initializers: {
      mean: tensorOfFloats([1, size], mean),
      std: tensorOfFloats([1, size], std),
      w1: noise([size, hidden], 1 / Math.sqrt(size)),
      b1: noise([hidden], 0.1),
      w2: noise([hidden, 2], 1 / Math.sqrt(hidden)),
      b2: noise([2], 0.1),
    },
    nodes: [
      node('Sub', ['x', 'mean'], 'centred'),
      node('Div', ['centred', 'std'], 'scaled'),
      node('Gemm', ['scaled', 'w1', 'b1'], 'h'),
      node('Relu', ['h'], 'a'),
      node('Gemm', ['a', 'w2', 'b2'], 'y'),
    ],
  }
}

async function writeNetwork(name, set, epochs) {
  const x = takeSamples(set, [...set.labels.keys()])
  const trainer = await Trainer.open(graphOf(x, columns.length, 16), {
    loss: 'ce',
    parameters: ['w1', 'b1', 'w2', 'b2'],
    optimizer: { kind: 'sgd', momentum: 0.9 },
  })
  for (let epoch = 0; epoch < epochs; epoch++) await trainer.train(x, set.labels, 0.1)
  writeFileSync(join(folder, name), encodeModel(trainer.graph()))
  await trainer.close()
}

mkdirSync(folder, { recursive: true })
writeTable()
const set = await loadDataset({ path: table, range: [0, 150] })
await writeNetwork('short.onnx', set, 20)
await writeNetwork('long.onnx', set, 300)
copyFileSync(new URL('gauntlet.config.yaml', import.meta.url), join(folder, 'gauntlet.config.yaml'))
