// corners.ts
import { defineAttack } from 'gauntlet/plugin'
import { z } from 'zod'

export default defineAttack({
  id: 'my-corners',
  version: 1,
  title: 'Random corners of the ball',
  source: 'Moon et al. 2019, arXiv:1905.06635, section 3: optima tend to lie at corners',
  kind: 'control',
  needs: ['labels'],
  norms: ['linf'],
  goals: ['untargeted'],
  restarts: 1,
  params: z.object({ tries: z.int().min(1).default(20).describe('corners per sample') }),
  label: ({ tries }) => `corners-${tries}`,
  async run(context, { tries }) {
    const { epsilon } = context.threat
    for (let i = 0; i < tries && context.living > 0; i++)
      await context.propose((x, rng, out) => {
        x.forEach((value, k) => (out[k] = value + (rng.uniform() < 0.5 ? -epsilon : epsilon)))
      })
  },
})
