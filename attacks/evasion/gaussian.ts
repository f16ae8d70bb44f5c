import { z } from 'zod'
import { defineAttack, kernels } from '../../src/plugin.js'
import { lengthL2 } from './lib/length.js'

export const gaussian = defineAttack({
  id: 'gaussian',
  version: 1,
  title: 'Gaussian noise (control)',
  source:
    'Carlini et al. 2019, arXiv:1902.06705, section 5: random search must not beat a gradient attack',
  kind: 'control',
  needs: ['labels'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    tries: z.int().min(1).max(1_000_000).default(20).describe('random points per sample'),
    relSigma: z
      .number()
      .positive()
      .max(10)
      .default(1)
      .describe('standard deviation (in L2 and L1 length) of the noise, as a fraction of epsilon'),
  }),
  label: ({ tries }) => `gaussian-${tries}`,
  async run(context, { tries, relSigma }) {
    const { norm, epsilon } = context.threat
    for (let i = 0; i < tries && context.living > 0; i++) {
      for (const { clean, point, rng } of context.samples) {
        const draw = new Float32Array(clean.length)
        kernels.fillNormal(rng, draw)
        // In L∞ what is beyond the ball is clipped; in L2 and L1 the direction is what is drawn.
        const length = norm === 'linf' ? 1 : norm === 'l2' ? lengthL2(draw) : kernels.lengthL1(draw)
        const scale = (relSigma * epsilon) / length
        for (let k = 0; k < point.length; k++)
          point[k] = clean[k]! + scale * draw[k]! * context.scale[k]!
      }
      await context.score()
    }
  },
})
