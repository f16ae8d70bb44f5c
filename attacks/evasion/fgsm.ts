import { z } from 'zod'
import { defineAttack, lossNames } from '../../src/plugin.js'

export const fgsm = defineAttack({
  id: 'fgsm',
  version: 1,
  title: 'Fast gradient sign method',
  source:
    'Goodfellow et al. 2015, arXiv:1412.6572, section 4; in L2 and L1 the steepest step of that norm',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    loss: z.enum(lossNames).default('ce').describe('loss to ascend: ce, margin or dlr'),
  }),
  label: ({ loss }) => (loss === 'ce' ? 'FGSM' : `FGSM-${loss}`),
  async run(context, { loss }) {
    context.start('clean')
    await context.step({ loss, stepSize: context.threat.epsilon })
  },
})
