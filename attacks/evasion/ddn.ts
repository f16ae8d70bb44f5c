import { z } from 'zod'
import { defineAttack, kernels, lossNames } from '../../src/plugin.js'
import { cosine } from './lib/cosine.js'

export const ddn = defineAttack({
  id: 'ddn',
  version: 1,
  title: 'Decoupled direction and norm',
  source: 'Rony et al. 2019, arXiv:1811.09600, algorithm 1',
  atlas: 'AML.T0043.000',
  kind: 'minimum-norm',
  needs: ['gradient'],
  norms: ['l2'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(100).describe('gradient steps'),
    gamma: z
      .number()
      .positive()
      .max(0.9)
      .default(0.05)
      .describe('γ: by what part the norm changes in a step'),
    firstNorm: z
      .number()
      .positive()
      .default(1)
      .describe('ε₀, where the bounds are 1 apart (otherwise that many times their distance)'),
    stepSize: z
      .number()
      .positive()
      .default(1)
      .describe('α at the beginning, likewise; it falls to a hundredth along a cosine'),
    loss: z.enum(lossNames).default('ce').describe('loss to ascend: ce, margin or dlr'),
  }),
  label: ({ steps }) => `DDN-${steps}`,
  async run(context, { steps, gamma, firstNorm, stepSize, loss }) {
    const { bounds } = context.threat
    const width = bounds[1] - bounds[0]
    context.start('clean')
    // No farther than the corner of the bounds that is farthest from the sample.
    const most = new Map(context.samples.map(({ id, clean }) => [id, farthest(clean, bounds)]))
    const norms = new Map(context.samples.map(({ id }) => [id, firstNorm * width]))
    for (let step = 0; step < steps && context.living > 0; step++) {
      await context.gradient({ loss })
      const size = width * cosine(stepSize, stepSize / 100, step, steps)
      for (const { id, clean, point, gradient, isFooled } of context.samples) {
        const radius = Math.min(norms.get(id)! * (isFooled ? 1 - gamma : 1 + gamma), most.get(id)!)
        norms.set(id, radius)
        kernels.stepAlong(point, clean, gradient, { size, onto: 'sphere', radius })
      }
    }
    if (context.living > 0) await context.score()
  },
})

function farthest(clean: Float32Array, [low, high]: readonly [number, number]): number {
  let sum = 0
  for (const value of clean) sum += Math.max(value - low, high - value) ** 2
  return Math.sqrt(sum)
}
