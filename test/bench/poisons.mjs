/**
 * What each poison does to a small network trained on real digits: clean accuracy and success over trials, with
 * Clopper–Pearson intervals. Skips with a reason where the data are not there.
 *
 *     npm run build && node test/bench/poisons.mjs [--poison ID] [--rates 0.01,0.05] [--trials 10] [--from scratch|fine-tune|head]
 *         [--seed 1000] [--params '{"epsilon":0.1}'] [--of dataset] [--source N] [--data FILE]
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { builtInPoisons } from '../../dist/attacks/poisoning/index.js'
import { loadDataset } from '../../dist/src/data/load.js'
import { takeSamples } from '../../dist/src/data/dataset.js'
import { GraphBuilder } from '../../dist/src/graph/builder.js'
import { tensorOfFloats } from '../../dist/src/graph/tensor.js'
import { encodeModel } from '../../dist/src/onnx/encode.js'
import { craft } from '../../dist/src/poison/craft.js'
import { measure } from '../../dist/src/poison/measure.js'
import { PoisonRegistry } from '../../dist/src/poison/registry.js'
import { NetworkSurrogate } from '../../dist/src/poison/surrogate.js'
import { trainModel } from '../../dist/src/poison/train-model.js'
import { Session } from '../../dist/src/runtime/session.js'
import { clopperPearson } from '../../dist/src/stats/proportion.js'
import { createRng } from '../../dist/src/util/rng.js'

const { values: args } = parseArgs({
  options: {
    poison: { type: 'string', multiple: true },
    rates: { type: 'string', default: '0.01,0.05' },
    of: { type: 'string', default: 'dataset' },
    trials: { type: 'string', default: '10' },
    from: { type: 'string', default: 'scratch' },
    seed: { type: 'string', default: '1000' },
    params: { type: 'string', multiple: true, default: ['{}'] },
    source: { type: 'string' },
    epochs: { type: 'string' },
    rate: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    data: {
      type: 'string',
      default: join(import.meta.dirname, '../../../shared/data/digits/digits.npz'),
    },
  },
})
if (!existsSync(args.data)) {
  console.log(`skipped: no file ${args.data}`)
  process.exit(0)
}
const digits = await loadDataset({ path: args.data, range: [0, 16] })
const all = Array.from({ length: digits.count }, (_, i) => i)
const size = digits.shape.reduce((a, b) => a * b, 1)

function shuffled(items, rng) {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    ;[out[i], out[j]] = [out[j], out[i]]
  }
  return out
}

function part(indices) {
  const x = takeSamples(digits, indices)
  const labels = Int32Array.from(indices, (i) => digits.labels[i])
  // The network reads [0, 1].
  return {
    count: indices.length,
    shape: digits.shape,
    range: [0, 1],
    classes: 10,
    x: x.map((v) => v / 16),
    labels,
  }
}

function network(seed) {
  const initializers = {}
  const weight = (name, dims) => {
    const rng = createRng('bench', seed, name)
    const fan = dims.slice(1).reduce((a, b) => a * b, 1)
    initializers[`${name}.w`] = tensorOfFloats(
      dims,
      Array.from({ length: fan * dims[0] }, () => Math.sqrt(2 / fan) * rng.normal()),
    )
    initializers[`${name}.b`] = tensorOfFloats([dims[0]], new Float32Array(dims[0]))
  }
  weight('c1', [16, 1, 3, 3])
  weight('c2', [32, 16, 3, 3])
  weight('f1', [64, 512])
  weight('f2', [10, 64])
  const input = { name: 'image', dtype: 'float32', dims: ['N', 1, 8, 8] }
  const g = new GraphBuilder({
    name: 'digits',
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [input],
    outputs: [],
    initializers,
    nodes: [],
  })
  const conv = (v, n, s) =>
    g.emit('Relu', [
      g.emit('Conv', [v, `${n}.w`, `${n}.b`], {
        kernel_shape: [3, 3],
        pads: [1, 1, 1, 1],
        strides: [s, s],
      }),
    ])
  const flat = g.emit('Flatten', [conv(conv('image', 'c1', 1), 'c2', 2)], { axis: 1 })
  const hidden = g.emit('Relu', [g.emit('Gemm', [flat, 'f1.w', 'f1.b'], { transB: 1 })])
  const logits = g.emit('Gemm', [hidden, 'f2.w', 'f2.b'], { transB: 1 })
  return {
    graph: g.finish([input], [{ name: logits, dtype: 'float32', dims: ['N', 10] }]),
    parameters: Object.keys(initializers),
  }
}

const head = ['f2.w', 'f2.b']
const batch = 64

async function train(
  graph,
  parameters,
  data,
  { epochs, rate, seed, schedule = { kind: 'cosine' } },
) {
  const options = {
    epochs,
    learningRate: rate,
    schedule,
    parameters,
    optimizer: { kind: 'sgd', momentum: 0.9 },
  }
  return (await trainModel({ graph, data, options, seed })).graph
}

async function predictor(graph) {
  const session = await Session.open(encodeModel(graph))
  return {
    predict: async (x) => {
      const n = x.length / size
      const out = await session.run({
        image: { dtype: 'float32', dims: [n, ...digits.shape], data: x },
      })
      const z = Object.values(out)[0].data
      return Array.from({ length: n }, (_, i) => {
        const row = z.subarray(10 * i, 10 * i + 10)
        return row.indexOf(Math.max(...row))
      })
    },
    close: () => session.close(),
  }
}

const recipes = {
  scratch: { epochs: 20, rate: 0.05 },
  'fine-tune': { epochs: 10, rate: 0.01, schedule: { kind: 'constant' } },
  head: { epochs: 10, rate: 0.01, schedule: { kind: 'constant' } },
}
const recipe = {
  ...recipes[args.from],
  ...(args.epochs ? { epochs: +args.epochs } : {}),
  ...(args.rate ? { rate: +args.rate } : {}),
}
const registry = new PoisonRegistry(builtInPoisons)
const ids = args.poison ?? builtInPoisons.map(({ id }) => id)
const percent = ({ successes, trials }) => `${((100 * successes) / trials).toFixed(1)} %`
const add = (a, b) => ({ successes: a.successes + b.successes, trials: a.trials + b.trials })
const none = { successes: 0, trials: 0 }

/** Clean models by trial: they are the same for every poison. */
const clean = new Map()
async function cleanOf(trial) {
  if (clean.has(trial)) return clean.get(trial)
  const seed = Number(args.seed) + trial
  const order = shuffled(all, createRng('split', seed))
  const [data, test] = [part(order.slice(0, 1437)), part(order.slice(1437))]
  const { graph, parameters } = network(seed)
  const start = await train(graph, parameters, data, { ...recipes.scratch, seed })
  const made = { data, test, parameters, graph, start }
  made.control =
    args.from === 'scratch'
      ? start
      : await train(start, args.from === 'head' ? head : parameters, data, { ...recipe, seed })
  clean.set(trial, made)
  return made
}

for (const id of ids) {
  const plugin = registry.get(id)
  for (const [given, value] of args.params.flatMap((one) =>
    args.rates.split(',').map((rate) => [one, Number(rate)]),
  )) {
    const { params, label } = registry.specify(id, JSON.parse(given))
    if (args.params.length > 1) console.log(given)
    const sums = { control: none, clean: none, success: none, base: none, attacked: none }
    let wins = 0
    let seconds = 0
    let failed = ''
    const trials = Number(args.trials)
    for (let trial = 0; trial < trials; trial++) {
      const seed = Number(args.seed) + trial
      const { data, test, parameters, graph, start, control } = await cleanOf(trial)
      const rng = createRng('classes', seed)
      const target = rng.below(10)
      const other = rng.below(9)
      const source = other < target ? other : other + 1
      const began = performance.now()
      let surrogate
      try {
        const crafted = await craft({
          plugin,
          params,
          train: data,
          test,
          source: args.source === 'all' ? null : source,
          target,
          rate: { value, of: args.of },
          seed,
          isCancelled: () => false,
          surrogate: async () => {
            // From scratch: a network of other weights. Else the public one that training starts from.
            const own =
              args.from === 'scratch'
                ? await train(network(seed + 5000).graph, parameters, data, {
                    ...recipes.scratch,
                    seed: seed + 5000,
                  })
                : start
            surrogate = await NetworkSurrogate.open(own, {
              parameters: args.from === 'head' ? 'head' : parameters,
            })
            return surrogate
          },
        })
        seconds += (performance.now() - began) / 1000
        const trained = await train(
          args.from === 'scratch' ? graph : start,
          args.from === 'head' ? head : parameters,
          crafted.train,
          { ...recipe, seed },
        )
        const request = {
          ...crafted,
          test,
          source: args.source === 'all' ? null : source,
          target,
          goal: plugin.goal,
        }
        const [before, after] = [await predictor(control), await predictor(trained)]
        const base = await measure({ ...request, predict: before.predict })
        const got = await measure({ ...request, predict: after.predict })
        await before.close()
        await after.close()
        sums.control = add(sums.control, base.cleanAccuracy)
        sums.clean = add(sums.clean, got.cleanAccuracy)
        sums.base = add(sums.base, base.attackSuccess)
        sums.success = add(sums.success, got.attackSuccess)
        const share = got.attackSuccess.successes / got.attackSuccess.trials
        if (share >= 0.5) wins++
        if (args.verbose)
          console.log(
            `  trial ${trial} ${source}→${target} poisons ${crafted.poisons.length} base ${percent(base.attackSuccess)} success ${percent(got.attackSuccess)} clean ${percent(got.cleanAccuracy)} ${crafted.notes.join('; ')}`,
          )
      } catch (error) {
        failed = error.message
        if (!error.code) console.log(error.stack)
        break
      } finally {
        await surrogate?.close()
      }
    }
    if (failed) {
      console.log(`${label.padEnd(34)} ${value}  ${failed}`)
      continue
    }
    const { low, high } = clopperPearson(wins, trials)
    console.log(
      `${label.padEnd(34)} ${String(value).padEnd(6)} clean ${percent(sums.control)} → ${percent(sums.clean)}   success ${percent(sums.base)} → ${percent(sums.success)}   trials ≥ 50 % ${wins}/${trials} (${low.toFixed(2)}–${high.toFixed(2)})   ${(seconds / trials).toFixed(1)} s to craft`,
    )
  }
}
