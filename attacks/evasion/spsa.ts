import { z } from 'zod'
import { defineAttack, type Sample } from '../../src/plugin.js'
import { follow, type Course } from './lib/courses.js'
import { fillSigns } from './lib/draws.js'
import { estimate, type Estimate } from './lib/estimate.js'

export const spsa = defineAttack({
  id: 'spsa',
  version: 1,
  title: 'Stochastic approximation (SPSA)',
  source:
    'Uesato et al. 2018, arXiv:1802.05666, algorithm 1, with Adam and the difference of logits',
  atlas: 'AML.T0043.001',
  kind: 'fixed-epsilon',
  needs: ['scores'],
  norms: ['linf'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(100).describe('steps of Adam per restart'),
    pairs: z
      .int()
      .min(1)
      .max(100_000)
      .default(64)
      .describe('directions per step, two queries each'),
    delta: z
      .number()
      .positive()
      .max(1)
      .default(0.01)
      .describe('how far it looks, as a share of the range of the data'),
    learningRate: z
      .number()
      .positive()
      .max(1)
      .default(0.01)
      .describe('of Adam, as a share of the range of the data'),
  }),
  label: ({ steps, pairs }) => `SPSA-${steps}x${2 * pairs}`,
  async run(context, { steps, pairs, delta, learningRate }) {
    const range = context.threat.bounds[1] - context.threat.bounds[0]
    context.start('clean')
    await follow(context, steps * (2 * pairs + 1), (sample) =>
      ascend(sample, learningRate * range, {
        pairs,
        values: context,
        reach: delta * range,
        objective: 'margin',
        draw: fillSigns,
      }),
    )
  },
})

/** Adam as published: β = 0.9 and 0.999. */
function* ascend(sample: Sample, learningRate: number, options: Estimate): Course {
  const size = sample.point.length
  const [gradient, mean, square] = [0, 0, 0].map(() => new Float64Array(size))
  for (let step = 1; ; step++) {
    yield* estimate(sample, options, gradient!)
    const { point } = sample
    const rate = (learningRate * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step)
    for (let i = 0; i < size; i++) {
      mean![i] = 0.9 * mean![i]! + 0.1 * gradient![i]!
      square![i] = 0.999 * square![i]! + 0.001 * gradient![i]! ** 2
      const step = (rate * mean![i]!) / (Math.sqrt(square![i]!) + 1e-8)
      point[i]! += step * options.values.scale[i]!
    }
    yield
  }
}
