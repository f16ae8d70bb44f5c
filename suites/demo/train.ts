/**
 * Trains the two models of `gauntlet demo` and writes them beside this file's source:
 *
 *     npm run build && node dist/suites/demo/train.js [FOLDER]
 *
 * v1 is trained on adversarial examples (Madry et al. 2018, arXiv:1706.06083) of a thousand pictures. v2 is the
 * upgrade nobody would refuse: ten times the data, plainly trained, right more often, and easily fooled. One
 * thread, two to three minutes. The same seed gives the same files on the same type of processor: ONNX Runtime picks
 * its kernels, and so the order of its sums, by processor. The recipes were tuned on the demo's own data, so that the
 * regression shows: the figures illustrate, they are no benchmark.
 */
import { join } from 'node:path'
import { drawGlyphs } from '../../src/data/glyphs.js'
import { saveModel } from '../../src/onnx/save.js'
import { Trainer } from '../../src/poison/trainer.js'
import { createRng } from '../../src/util/rng.js'
import { range, shuffle } from '../../src/util/shuffle.js'
import { Adversary } from './adversary.js'
import { demoNetwork, demoParameters } from './architecture.js'
import { evaluate } from './evaluate.js'

interface Recipe {
  readonly version: string
  readonly samples: number
  readonly epochs: number
  readonly learningRate: number
  readonly adversary?: { readonly epsilon: number; readonly steps: number }
}

const recipes: readonly Recipe[] = [
  {
    version: 'v1',
    samples: 1024,
    epochs: 40,
    learningRate: 0.05,
    adversary: { epsilon: 40 / 255, steps: 7 },
  },
  { version: 'v2', samples: 10_240, epochs: 10, learningRate: 0.02 },
]

/** Seed of the training pictures, and of weights and order. The demo is evaluated on glyphs of seed 1. */
const seed = 2
const batch = 64
const pixels = 784

async function train(recipe: Recipe): Promise<Trainer> {
  const { version, samples, epochs, learningRate } = recipe
  const { values, labels } = drawGlyphs({ count: samples, seed })
  const trainer = await Trainer.open(demoNetwork(seed), {
    loss: 'ce',
    parameters: demoParameters,
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
  })
  const adversary = recipe.adversary && (await Adversary.open(trainer, recipe.adversary.steps))
  const rng = createRng('demo', 'train', version, seed)
  const steps = Math.floor(samples / batch)
  const total = steps * epochs
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffle(new Int32Array(range(samples)), rng.fork('order', epoch))
    const start = performance.now()
    let loss = 0
    for (let step = 0; step < steps; step++) {
      const progress = (epoch * steps + step) / total
      const rows = order.subarray(step * batch, (step + 1) * batch)
      const clean = new Float32Array(batch * pixels)
      rows.forEach((row, i) => {
        for (let p = 0; p < pixels; p++)
          clean[i * pixels + p] = (values[row * pixels + p] ?? 0) / 255
      })
      const y = Int32Array.from(rows, (row) => labels[row] ?? 0)
      const epsilon = (recipe.adversary?.epsilon ?? 0) * ramp(progress)
      const x = adversary ? await adversary.perturb(clean, y, epsilon, rng) : clean
      loss += (await trainer.train(x, y, learningRate * schedule(progress))).loss
    }
    const seconds = (performance.now() - start) / 1000
    console.log(
      `${version}  epoch ${epoch + 1}/${epochs}  loss ${(loss / steps).toFixed(3)}  ${seconds.toFixed(0)} s`,
    )
  }
  await adversary?.close()
  return trainer
}

/** Linear warm-up over the first twentieth, then half a cosine to zero (Loshchilov & Hutter 2017, arXiv:1608.03983). */
function schedule(progress: number): number {
  const warmUp = 0.05
  if (progress < warmUp) return (progress + 1e-3) / warmUp
  return (1 + Math.cos((Math.PI * (progress - warmUp)) / (1 - warmUp))) / 2
}

/**
 * Epsilon's share: none for a tenth of the training, all from half of it on. A network that meets hard examples
 * before it knows anything never leaves the even guess.
 */
function ramp(progress: number): number {
  return Math.min(1, Math.max(0, (progress - 0.1) / 0.4))
}

const folder = process.argv[2] ?? join(import.meta.dirname, '../../../suites/demo')
for (const recipe of recipes) {
  const start = performance.now()
  const trainer = await train(recipe)
  const graph = trainer.graph()
  const path = join(folder, `glyphs-${recipe.version}.onnx`)
  await saveModel(graph, path)
  await trainer.close()
  console.log(`${recipe.version}  ${path}  ${((performance.now() - start) / 1000).toFixed(0)} s`)
  const { samples, clean, robust } = await evaluate(graph)
  const percent = (count: number): string => `${((100 * count) / samples).toFixed(1)} %`
  console.log(`${recipe.version}  clean ${percent(clean)} of ${samples}`)
  for (const [level, count] of robust)
    console.log(`${recipe.version}  PGD-20, L∞ ${level}/255: ${percent(count)}`)
}
