import { z } from 'zod'
import {
  definePoison,
  type LabelledSamples,
  type PoisonContext,
  type Rng,
} from '../../src/plugin.js'
import { gridOf } from '../evasion/lib/grid.js'
import { epsilonParam, scaled } from './lib/epsilon.js'
import { perturbation, reachOf } from './lib/perturbation.js'
import { draw, isTable, sampleSize } from './lib/samples.js'
import { epsilonText } from './lib/text.js'

export const availabilityNoise = definePoison({
  id: 'availability-noise',
  version: 1,
  title: 'Noise that is learned in place of the data',
  source:
    'Yu et al. 2022, arXiv:2111.00898, section 4 (shortcut: a noise of blocks for each class); Huang et al. 2021, arXiv:2101.04898 (minimise: of each sample, against a surrogate that is not trained on); Fowl et al. 2021, arXiv:2106.10807 (maximise: towards the next class)',
  atlas: 'AML.T0020',
  goal: 'availability',
  labels: 'clean',
  from: 'any',
  needs: ['surrogate'],
  params: z.object({
    kind: z
      .enum(['shortcut', 'minimise', 'maximise'])
      .default('shortcut')
      .describe(
        'a noise for each class; noise that a surrogate finds easy; noise of another class',
      ),
    epsilon: epsilonParam('8/255'),
    block: z
      .number()
      .positive()
      .max(1)
      .default(0.25)
      .describe('shortcut: side of a block of equal noise as a share of the shorter side'),
    steps: z.int().min(1).max(10_000).default(100).describe('minimise, maximise: gradient steps'),
  }),
  label: ({ kind, epsilon }) => `noise ${kind}${epsilonText(epsilon)}`,
  epsilon: ({ epsilon }, shape) => scaled(epsilon, 8 / 255, shape),
  async poison(context, { kind, epsilon: given, block, steps }) {
    const { train, budget, eligible, rng } = context
    const epsilon = scaled(given, 8 / 255, train.shape)
    const indices = draw(eligible, budget, rng)
    const x =
      kind === 'shortcut'
        ? shortcut(train, indices, epsilon, block, rng.fork('noise'))
        : await descended(context, indices, epsilon, steps, kind)
    const size = sampleSize(train)
    return { samples: indices.map((index, k) => ({ index, x: x.slice(k * size, (k + 1) * size) })) }
  },
})

/** Every class has blocks of its own, each up or down by all that is allowed. */
function shortcut(
  train: LabelledSamples,
  indices: readonly number[],
  epsilon: number,
  block: number,
  rng: Rng,
): Float32Array {
  const reach = reachOf(train, epsilon)
  const noises = Array.from({ length: train.classes }, (_, label) => {
    const sign = blocks(train, block, rng.fork(label))
    return reach.map((most, i) => most * sign(i))
  })
  const start = new Float32Array(indices.length * reach.length)
  indices.forEach((index, k) => start.set(noises[train.labels[index]!]!, k * reach.length))
  return perturbation(train, indices, reach, start).x
}

/** 1 or −1 for each value, the same within a block of a channel; of a table, for each feature. */
function blocks(train: LabelledSamples, share: number, rng: Rng): (i: number) => number {
  const { channels, height, width } = gridOf(train.shape)
  const side = isTable(train) ? 1 : Math.max(1, Math.round(share * Math.min(height, width)))
  const [rows, columns] = [Math.ceil(height / side), Math.ceil(width / side)]
  const signs = Array.from({ length: channels * rows * columns }, () => 2 * rng.below(2) - 1)
  return (i) => {
    const channel = Math.floor(i / (height * width))
    const row = Math.floor((Math.floor(i / width) % height) / side)
    return signs[(channel * rows + row) * columns + Math.floor((i % width) / side)]!
  }
}

async function descended(
  context: PoisonContext,
  indices: readonly number[],
  epsilon: number,
  steps: number,
  kind: 'minimise' | 'maximise',
): Promise<Float32Array> {
  const { train } = context
  const surrogate = await context.surrogate()
  const labels = indices.map((index) => {
    const label = train.labels[index]!
    return kind === 'minimise' ? label : (label + 1) % train.classes
  })
  const perturbed = perturbation(train, indices, reachOf(train, epsilon))
  for (let step = 0; step < steps; step++) {
    context.checkpoint()
    const gradient = await surrogate.lossGradient(perturbed.x, labels)
    perturbed.descend(gradient, Math.max(2.5 / steps, 0.01))
  }
  return perturbed.x
}
