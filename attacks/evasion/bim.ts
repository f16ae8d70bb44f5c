import { z } from 'zod'
import { defineAttack, lossNames } from '../../src/plugin.js'

export const bim = defineAttack({
  id: 'bim',
  version: 1,
  title: 'Basic iterative method',
  source: 'Kurakin et al. 2017, arXiv:1607.02533, section 2.2; in L2 and L1 the steepest step',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(10).describe('gradient steps, from the sample on'),
    relStepSize: z
      .number()
      .positive()
      .max(2)
      .optional()
      .describe(
        'step size as a fraction of epsilon; default 1.25 / steps: one grey level at 8/255 and 10 steps, as in the paper',
      ),
    loss: z.enum(lossNames).default('ce').describe('loss to ascend: ce, margin or dlr'),
  }),
  label: ({ steps, loss }) => `BIM-${steps}${loss === 'ce' ? '' : `-${loss}`}`,
  async run(context, { steps, relStepSize, loss }) {
    const stepSize = (relStepSize ?? Math.min(1, 1.25 / steps)) * context.threat.epsilon
    context.start('clean')
    for (let step = 0; step < steps && context.living > 0; step++)
      await context.step({ loss, stepSize })
  },
})
