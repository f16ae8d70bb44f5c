// heavy-ball-arrays.ts
import { defineAttack } from 'gauntlet/plugin'
import { z } from 'zod'

export default defineAttack({
  id: 'heavy-ball-arrays',
  version: 1, // raise it when the same parameters give other examples: results are kept by it
  title: 'Gradient ascent with momentum, on plain arrays',
  source: 'Dong et al. 2018, arXiv:1710.06081, eqs. 6 and 7; steps that shrink',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf', 'l2'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(10_000).default(20).describe('gradient steps per restart'),
    decay: z.number().min(0).max(1).default(0.75).describe('share of the momentum that is kept'),
  }),
  label: ({ steps }) => `heavy-ball-arrays-${steps}`,
  async run(context, { steps, decay }) {
    const { epsilon, norm } = context.threat
    // Kept by id: a sample that falls leaves, and the rest moves up.
    const momenta = new Map<number, Float32Array>()
    context.start('random')
    for (let step = 0; step < steps && context.living > 0; step++) {
      await context.gradient({ loss: 'ce' })
      const stepSize = epsilon * (1 - step / steps)
      for (const { id, point, gradient } of context.samples) {
        const momentum = momenta.get(id) ?? new Float32Array(context.sampleSize)
        momenta.set(id, momentum)
        const size = sum(gradient, Math.abs) || 1
        momentum.forEach((kept, i) => (momentum[i] = decay * kept + gradient[i]! / size))
        const length = Math.sqrt(sum(momentum, (value) => value * value)) || 1
        // What is written here is brought back into the ball and the bounds by the next call.
        momentum.forEach((value, i) => {
          point[i]! += stepSize * (norm === 'linf' ? Math.sign(value) : value / length)
        })
      }
    }
  },
})

function sum(values: Float32Array, of: (value: number) => number): number {
  let total = 0
  for (const value of values) total += of(value)
  return total
}
