import { z } from 'zod'
import { defineAttack, lossNames } from '../../src/plugin.js'

export const pgd = defineAttack({
  id: 'pgd',
  version: 1,
  title: 'Projected gradient descent',
  source: 'Madry et al. 2018, arXiv:1706.06083; L1 steps: Tramèr & Boneh 2019, arXiv:1904.13000',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(40).describe('gradient steps per restart'),
    relStepSize: z
      .number()
      .positive()
      .max(2)
      .optional()
      .describe(
        'step size as a fraction of epsilon; default 2.5 / steps, at most 1 (Madry et al.)',
      ),
    stepSize: z
      .number()
      .positive()
      .optional()
      .describe('step size in the data units; wins over relStepSize'),
    loss: z.enum(lossNames).default('ce').describe('loss to ascend: ce, margin or dlr'),
    randomStart: z.boolean().default(true).describe('start at a random point of the ball'),
  }),
  label: ({ steps, loss }) => `PGD-${steps}${loss === 'ce' ? '' : `-${loss}`}`,
  async run(context, { steps, relStepSize, stepSize, loss, randomStart }) {
    const size = stepSize ?? (relStepSize ?? Math.min(1, 2.5 / steps)) * context.threat.epsilon
    context.start(randomStart ? 'random' : 'clean')
    for (let step = 0; step < steps && context.living > 0; step++)
      await context.step({ loss, stepSize: size })
  },
})
