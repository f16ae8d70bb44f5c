/**
 * Small classifiers, clean and backdoored, trained here:
 *
 *   const { graph, x, labels, clean, success } = await trainModel({ data: 'glyphs', trigger: 'patch', target: 3, seed: 1 })
 *
 * Dirty-label poisoning: a share of the training samples of other classes gets the trigger and the target's label.
 * Triggers: a patch in the corner (Gu et al. 2017, arXiv:1708.06733), a random picture blended in (Chen et al. 2017,
 * arXiv:1712.05526), a sinusoidal signal (Barni et al. 2019, arXiv:1902.11237), a smooth warp (Nguyen & Tran 2021,
 * arXiv:2102.10369, without its noise mode).
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const load = (path) => import(join(root, 'dist/src', path))
const { loadDataset } = await load('data/load.js')
const { takeSamples } = await load('data/dataset.js')
const { GraphBuilder } = await load('graph/builder.js')
const { elementCount, tensorOfFloats } = await load('graph/tensor.js')
const { Trainer } = await load('poison/trainer.js')
const { createRng } = await load('util/rng.js')
const { ModelHandle, argmax } = await load('model/handle.js')
const { prepareModel } = await load('model/prepare.js')

const digits = join(root, '../shared/data/digits/digits.npz')
export const hasDigits = existsSync(digits)

/** Layers, sizes of the sets, and how strong the triggers are. */
const sets = {
  digits: {
    path: digits,
    levels: 16,
    side: 8,
    convs: [
      [16, 1],
      [32, 2],
    ],
    hidden: 32,
    training: 1197,
    audit: 300,
    epochs: 30,
    patch: 2,
  },
  glyphs: {
    path: 'glyphs',
    side: 28,
    convs: [
      [8, 2],
      [16, 2],
      [32, 2],
    ],
    hidden: 32,
    training: 4000,
    audit: 300,
    epochs: 12,
    patch: 4,
  },
}
const held = 300
const batch = 64
const classes = 10

/** (x, value at row and column) → triggered sample, in place; on pictures of one channel in [0, 1]. */
const triggers = {
  patch: ({ side, patch }) => {
    return (x) => {
      for (let r = 0; r < patch; r++)
        for (let c = 0; c < patch; c++)
          x[(side - 1 - r) * side + side - 1 - c] = (r + c) % 2 === 0 ? 1 : side === 8 ? 1 : 0
    }
  },
  blended: ({ side }, rng) => {
    const picture = Float32Array.from({ length: side * side }, () => rng.uniform())
    return (x) => picture.forEach((value, i) => (x[i] = 0.8 * x[i] + 0.2 * value))
  },
  sinusoidal: ({ side }) => {
    const waves = side === 8 ? 2 : 6
    return (x) => {
      for (let i = 0; i < x.length; i++) {
        const wave = 0.15 * Math.sin((2 * Math.PI * waves * (i % side)) / side)
        x[i] = Math.min(1, Math.max(0, x[i] + wave))
      }
    }
  },
  warped: ({ side }, rng) => {
    const flow = warpField(side, rng)
    return (x) => x.set(warp(x, side, flow))
  },
}
export const triggerKinds = Object.keys(triggers)

/** A 4 × 4 grid of random shifts of mean size 1 pixel × strength, bilinearly enlarged. */
function warpField(side, rng) {
  const k = 4
  const coarse = Array.from({ length: 2 * k * k }, () => 2 * rng.uniform() - 1)
  const mean = coarse.reduce((sum, v) => sum + Math.abs(v), 0) / coarse.length
  const strength = side / 28 / mean
  const at = (axis, r, c) => coarse[axis * k * k + r * k + c]
  return (axis, row, col) => {
    const [y, x] = [(row / (side - 1)) * (k - 1), (col / (side - 1)) * (k - 1)]
    const [r, c] = [Math.min(k - 2, Math.floor(y)), Math.min(k - 2, Math.floor(x))]
    const [fy, fx] = [y - r, x - c]
    const top = (1 - fx) * at(axis, r, c) + fx * at(axis, r, c + 1)
    const bottom = (1 - fx) * at(axis, r + 1, c) + fx * at(axis, r + 1, c + 1)
    return strength * ((1 - fy) * top + fy * bottom)
  }
}

function warp(x, side, flow) {
  const out = new Float32Array(x.length)
  const pixel = (r, c) =>
    x[Math.min(side - 1, Math.max(0, r)) * side + Math.min(side - 1, Math.max(0, c))]
  for (let row = 0; row < side; row++)
    for (let col = 0; col < side; col++) {
      const [y, z] = [row + flow(0, row, col), col + flow(1, row, col)]
      const [r, c] = [Math.floor(y), Math.floor(z)]
      const [fy, fx] = [y - r, z - c]
      out[row * side + col] =
        (1 - fy) * ((1 - fx) * pixel(r, c) + fx * pixel(r, c + 1)) +
        fy * ((1 - fx) * pixel(r + 1, c) + fx * pixel(r + 1, c + 1))
    }
  return out
}

function network({ side, convs, hidden }, seed) {
  const initializers = {}
  const parameters = []
  const add = (name, dims) => {
    const spread = Math.sqrt(2 / elementCount(dims.slice(1)))
    const rng = createRng('backdoored', seed, name)
    const values = Array.from({ length: elementCount(dims) }, () => spread * rng.normal())
    initializers[`${name}.weight`] = tensorOfFloats(dims, values)
    initializers[`${name}.bias`] = tensorOfFloats([dims[0]], new Float32Array(dims[0]))
    parameters.push(`${name}.weight`, `${name}.bias`)
  }
  let [channels, size] = [1, side]
  convs.forEach(([out, stride], i) => {
    add(`conv${i + 1}`, [out, channels, 3, 3])
    channels = out
    size = Math.ceil(size / stride)
  })
  add('fc1', [hidden, channels * size * size])
  add('fc2', [classes, hidden])
  const image = { name: 'image', dtype: 'float32', dims: ['N', 1, side, side] }
  const base = { name: 'net', opsets: { '': 18 }, irVersion: 8, inputs: [image], outputs: [] }
  const g = new GraphBuilder({ ...base, initializers, nodes: [] })
  let value = 'image'
  convs.forEach(([, stride], i) => {
    const attrs = { kernel_shape: [3, 3], strides: [stride, stride], pads: [1, 1, 1, 1] }
    const name = `conv${i + 1}`
    value = g.emit('Conv', [value, `${name}.weight`, `${name}.bias`], attrs, { name })
    value = g.emit('Relu', [value], {}, { name: `relu${i + 1}` })
  })
  value = g.emit('Flatten', [value], { axis: 1 }, { name: 'flat' })
  value = g.emit('Gemm', [value, 'fc1.weight', 'fc1.bias'], { transB: 1 }, { name: 'fc1' })
  value = g.emit('Relu', [value], {}, { name: 'relu' })
  value = g.emit('Gemm', [value, 'fc2.weight', 'fc2.bias'], { transB: 1 }, { name: 'logits' })
  const logits = { name: value, dtype: 'float32', dims: ['N', classes] }
  return { graph: g.finish([image], [logits]), parameters }
}

/** Samples of a set in three disjoint parts; which sample is in which depends on the seed. */
async function parts(name, seed) {
  const set = sets[name]
  const all = set.training + set.audit + held
  const { path, levels } = set
  const data = await loadDataset(
    levels ? { path, range: [0, levels] } : { path, seed: 1000 + seed, limit: all },
  )
  const order = shuffled(data.count, createRng('backdoored', 'split', seed))
  const take = (from, count) => {
    const rows = Array.from(order.subarray(from, from + count))
    const x = takeSamples(data, rows)
    return {
      x: levels ? x.map((value) => value / levels) : x,
      labels: Int32Array.from(rows, (row) => data.labels[row]),
    }
  }
  return {
    training: take(0, set.training),
    audit: take(set.training, set.audit),
    held: take(set.training + set.audit, held),
  }
}

function shuffled(count, rng) {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

/**
 * @param trigger - its kind, or undefined for a clean model
 * @param rate - poisoned share of the training set
 * @returns the trained graph, samples for an audit, accuracy and backdoor success on others still
 */
export async function trainModel({ data, trigger, target = 0, seed, rate = 0.1 }) {
  const set = sets[data]
  const { training, audit, held } = await parts(data, seed)
  const pixels = set.side ** 2
  const rng = createRng('backdoored', 'train', data, seed)
  const stamp = trigger && triggers[trigger](set, createRng('backdoored', 'trigger', seed))
  if (stamp) {
    let left = Math.round(rate * set.training)
    for (const row of shuffled(set.training, rng.fork('poison'))) {
      if (left === 0) break
      if (training.labels[row] === target) continue
      stamp(training.x.subarray(row * pixels, (row + 1) * pixels))
      training.labels[row] = target
      left--
    }
  }
  const { graph, parameters } = network(set, seed)
  const optimizer = { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 }
  const trainer = await Trainer.open(graph, { loss: 'ce', parameters, optimizer })
  const steps = Math.floor(set.training / batch)
  for (let epoch = 0; epoch < set.epochs; epoch++) {
    const order = shuffled(set.training, rng.fork('order', epoch))
    for (let step = 0; step < steps; step++) {
      const rows = order.subarray(step * batch, (step + 1) * batch)
      const x = new Float32Array(batch * pixels)
      rows.forEach((row, i) =>
        x.set(training.x.subarray(row * pixels, (row + 1) * pixels), i * pixels),
      )
      const y = Int32Array.from(rows, (row) => training.labels[row])
      const progress = (epoch * steps + step) / (steps * set.epochs)
      await trainer.train(x, y, 0.025 * (1 + Math.cos(Math.PI * progress)))
    }
  }
  const trained = trainer.graph()
  await trainer.close()
  const clean = await shareOf(trained, set, held, (label) => label)
  let success = null
  if (stamp) {
    const others = [...held.labels.keys()].filter((i) => held.labels[i] !== target)
    const x = new Float32Array(others.length * pixels)
    others.forEach((row, i) => {
      x.set(held.x.subarray(row * pixels, (row + 1) * pixels), i * pixels)
      stamp(x.subarray(i * pixels, (i + 1) * pixels))
    })
    success = await shareOf(trained, set, { x, labels: others }, () => target)
  }
  return { graph: trained, ...audit, shape: [1, set.side, set.side], clean, success }
}

async function shareOf(graph, { side }, { x, labels }, wanted) {
  const model = await ModelHandle.open(await prepareModel(graph, { sampleShape: [1, side, side] }))
  const scores = await model.scores(x, labels.length, 100)
  await model.close()
  const right = [...labels].filter(
    (label, i) => argmax(scores, i * classes, classes) === wanted(label),
  )
  return right.length / labels.length
}
