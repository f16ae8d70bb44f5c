import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'
import { fillSigns } from './lib/draws.js'

export const randomCorners = defineAttack({
  id: 'random-corners',
  version: 1,
  title: 'Random corners of the ball (control)',
  source: 'Moon et al. 2019, arXiv:1905.06635, section 3: optima tend to lie at corners',
  kind: 'control',
  needs: ['labels'],
  norms: ['linf'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    tries: z.int().min(1).max(1_000_000).default(20).describe('corners per sample'),
  }),
  label: ({ tries }) => `random-corners-${tries}`,
  async run(context, { tries }) {
    const { scale, threat } = context
    const signs = new Float32Array(context.sampleSize)
    for (let i = 0; i < tries && context.living > 0; i++) {
      for (const { clean, point, rng } of context.samples) {
        fillSigns(rng, signs)
        for (let k = 0; k < point.length; k++)
          point[k] = clean[k]! + threat.epsilon * signs[k]! * scale[k]!
      }
      await context.score()
    }
  },
})
