import { z } from 'zod'
import { defineAttack, lossNames } from '../../src/plugin.js'

export const rfgsm = defineAttack({
  id: 'rfgsm',
  version: 1,
  title: 'R+FGSM: a random step, then the fast gradient sign',
  source: 'Tramèr et al. 2018, arXiv:1705.07204, section 4.1, eq. 7',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    alpha: z
      .number()
      .min(0)
      .lt(1)
      .default(0.5)
      .describe('the random step as a fraction of epsilon; the gradient has the rest'),
    loss: z.enum(lossNames).default('ce').describe('loss to ascend: ce, margin or dlr'),
  }),
  label: ({ loss }) => (loss === 'ce' ? 'R+FGSM' : `R+FGSM-${loss}`),
  async run(context, { alpha, loss }) {
    const { scale, threat } = context
    const { epsilon, bounds } = threat
    const [low, high] = bounds
    context.start('clean')
    // The sign of a normal draw is a fair coin.
    for (const { point, rng } of context.samples)
      for (let i = 0; i < point.length; i++) {
        const moved = point[i]! + (rng.uniform() < 0.5 ? -alpha : alpha) * epsilon * scale[i]!
        point[i] = Math.min(Math.max(moved, low), high)
      }
    await context.step({ loss, stepSize: (1 - alpha) * epsilon })
  },
})
