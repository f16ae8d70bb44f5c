/** Loss curves of trainings that begin with the same weights, here and in PyTorch. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const networks = ['plain', 'lenet', 'resnet', 'mlp']

/** By name: the optimizer as it is called here, its learning rate, and what PyTorch calls it. */
export const optimizers = {
  SGD: [
    { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
    'sgd',
    { lr: 0.05, momentum: 0.9, weight_decay: 5e-4 },
  ],
  'SGD, Nesterov': [
    { kind: 'sgd', momentum: 0.9, nesterov: true },
    'sgd',
    { lr: 0.05, momentum: 0.9, nesterov: true },
  ],
  Adam: [{ kind: 'adam', weightDecay: 1e-3 }, 'adam', { lr: 2e-3, weight_decay: 1e-3 }],
  AdamW: [{ kind: 'adamw', weightDecay: 0.05 }, 'adamw', { lr: 2e-3, weight_decay: 0.05 }],
  'SGD, clipped': [{ kind: 'sgd', momentum: 0.9 }, 'sgd', { lr: 0.05, momentum: 0.9 }, 0.5],
}

/**
 * Of weights. Chosen so that PyTorch's float32 stays with its own float64: a unit whose input is within rounding of
 * ReLU's kink, or a gradient of Adam within rounding of 0, sends two trainings different ways.
 */
export const seeds = { plain: 5, lenet: 3, resnet: 3, mlp: 3 }

const steps = 50
const batch = 32

/** Numbers in [0, 1) of a linear congruential generator (Numerical Recipes). */
function generator(seed) {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

const difference = (a, b) => Math.max(...a.map((value, k) => Math.abs(value - b[k])))

/** Noisy pictures of ten patterns. */
function data(shape) {
  const size = shape.reduce((a, b) => a * b)
  const next = generator(7)
  const patterns = Float32Array.from({ length: 10 * size }, next)
  const labels = Int32Array.from({ length: steps * batch }, () => Math.floor(10 * next()))
  const x = new Float32Array(labels.length * size)
  labels.forEach((label, row) => {
    for (let i = 0; i < size; i++)
      x[row * size + i] = 2 * patterns[label * size + i] - 1 + 0.6 * (next() - 0.5)
  })
  return { x, labels, size }
}

/**
 * @param ask - a request to the Python process
 * @param own - `Trainer`, `loadModel` and `evaluate` of Gauntlet
 * @returns `worst`: greatest difference of the losses of a step; `peer`: the same between PyTorch's float32 and its own
 *   float64; `first` and `last` loss; `scores`: greatest difference of the logits of the first batch, of the trained networks
 *   as they are run, over the greatest logit
 */
export async function compareCurves(ask, { Trainer, loadModel, scores }, folder, network, name) {
  const [optimizer, kind, options, clip] = optimizers[name]
  const path = join(folder, `${network}.onnx`)
  const { shape } = await ask({ do: 'export', network, path, seed: seeds[network] })
  const { x, labels, size } = data(shape)
  const files = { x: join(folder, 'x.raw'), labels: join(folder, 'labels.raw') }
  writeFileSync(files.x, x)
  writeFileSync(files.labels, labels)
  const request = {
    do: 'losses',
    ...files,
    shape,
    batch,
    optimizer: kind,
    options,
    clip: clip ?? 0,
  }
  const theirs = await ask(request)
  const exact = await ask({ ...request, dtype: 'float64' })
  const { graph } = await loadModel(path)
  const trainer = await Trainer.open(graph, { optimizer, ...(clip ? { clipNorm: clip } : {}) })
  const losses = []
  for (let step = 0; step < steps; step++) {
    const rows = [step * batch, (step + 1) * batch]
    const images = x.subarray(rows[0] * size, rows[1] * size)
    const { loss } = await trainer.train(images, labels.subarray(...rows), options.lr)
    losses.push(loss)
  }
  const logits = await scores(trainer.graph(), x.subarray(0, batch * size), batch)
  await trainer.close()
  return {
    worst: difference(losses, theirs.losses),
    peer: difference(theirs.losses, exact.losses),
    first: losses[0],
    last: losses.at(-1),
    scores: difference([...logits], theirs.logits) / Math.max(...theirs.logits.map(Math.abs)),
  }
}
