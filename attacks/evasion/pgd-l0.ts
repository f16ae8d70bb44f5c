import { z } from 'zod'
import { defineAttack, kernels, lossNames } from '../../src/plugin.js'
import { lengthL2 } from './lib/length.js'

/**
 * Gradient steps of a fixed L1 length, each followed by the projection onto the points that differ from the sample in at most
 * epsilon values and lie within the bounds. Values are counted, not pixels of several channels.
 */
export const pgdL0 = defineAttack({
  id: 'pgd-l0',
  version: 1,
  title: 'Projected gradient descent in L0',
  source: 'Croce & Hein 2019, arXiv:1909.05040, section 3.2 (PGD₀)',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['l0'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(100).describe('gradient steps per restart'),
    relStepSize: z
      .number()
      .positive()
      .default(1)
      .describe(
        'mean change of a value in a step before the projection, as a part of the distance of the bounds',
      ),
    loss: z.enum(lossNames).default('ce').describe('loss to ascend: ce, margin or dlr'),
    randomStart: z.boolean().default(true).describe('start at a random point of the ball'),
  }),
  label: ({ steps, loss }) => `PGD-L0-${steps}${loss === 'ce' ? '' : `-${loss}`}`,
  async run(context, { steps, relStepSize, loss, randomStart }) {
    const { epsilon, bounds } = context.threat
    const radius = Math.floor(epsilon)
    const length = relStepSize * (bounds[1] - bounds[0]) * context.sampleSize
    context.start(randomStart ? 'random' : 'clean')
    for (let step = 0; step < steps && context.living > 0; step++) {
      await context.gradient({ loss })
      for (const { clean, point, gradient } of context.samples) {
        const size = (length * lengthL2(gradient)) / Math.max(kernels.lengthL1(gradient), 1e-30)
        kernels.stepAlong(point, clean, gradient, { size, onto: 'l0', radius, bounds })
      }
    }
  },
})
