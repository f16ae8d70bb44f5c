import { z } from 'zod'
import { defineAttack, lossNames } from '../../src/plugin.js'
import { cosine } from './lib/cosine.js'
import { lengthL2 } from './lib/length.js'

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
    const [low, high] = context.threat.bounds
    const width = high - low
    context.start('clean')
    const norms = new Map(context.samples.map(({ id }) => [id, firstNorm * width]))
    const delta = new Float32Array(context.sampleSize)
    for (let step = 0; step < steps && context.living > 0; step++) {
      await context.gradient({ loss })
      const size = width * cosine(stepSize, stepSize / 100, step, steps)
      for (const { id, clean, point, gradient, isFooled } of context.samples) {
        const scale = size / Math.max(lengthL2(gradient), 1e-30)
        for (let i = 0; i < delta.length; i++)
          delta[i] = point[i]! - clean[i]! + scale * gradient[i]!
        // No farther than the corner of the bounds that is farthest from the sample.
        const most = farthest(clean, low, high)
        const norm = Math.min(norms.get(id)! * (isFooled ? 1 - gamma : 1 + gamma), most)
        norms.set(id, norm)
        const stretch = norm / Math.max(lengthL2(delta), 1e-30)
        for (let i = 0; i < delta.length; i++) point[i] = clean[i]! + stretch * delta[i]!
      }
    }
    if (context.living > 0) await context.score()
  },
})

function farthest(clean: Float32Array, low: number, high: number): number {
  let sum = 0
  for (let i = 0; i < clean.length; i++) sum += Math.max(clean[i]! - low, high - clean[i]!) ** 2
  return Math.sqrt(sum)
}
