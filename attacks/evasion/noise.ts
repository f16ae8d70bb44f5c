import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'

export const noise = defineAttack({
  id: 'noise',
  version: 1,
  title: 'Uniform noise (control)',
  source:
    'Carlini et al. 2019, arXiv:1902.06705, section 5: random search must not beat a gradient attack',
  kind: 'control',
  needs: ['labels'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    tries: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20)
      .describe('random points of the ball per sample'),
  }),
  label: ({ tries }) => `noise-${tries}`,
  async run(context, { tries }) {
    for (let i = 0; i < tries && context.living > 0; i++) {
      context.start('random')
      await context.score()
    }
  },
})
