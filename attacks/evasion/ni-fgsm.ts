import { z } from 'zod'
import { defineAttack, lossNames } from '../../src/plugin.js'

/** Of a sample: g, and x without the look ahead. */
interface Track {
  readonly momentum: Float32Array
  readonly at: Float32Array
}

export const niFgsm = defineAttack({
  id: 'ni-fgsm',
  version: 1,
  title: 'Nesterov iterative FGSM',
  source:
    'Lin et al. 2020, arXiv:1908.06281, eqs. 6 to 8; the gradient is divided by its mean size, as in the authors’ program',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(10).describe('gradient steps per restart'),
    decay: z.number().min(0).max(10).default(1).describe('decay factor μ of the momentum'),
    loss: z.enum(lossNames).default('ce').describe('loss to ascend: ce, margin or dlr'),
  }),
  label: ({ steps, loss }) => `NI-FGSM-${steps}${loss === 'ce' ? '' : `-${loss}`}`,
  async run(context, { steps, decay, loss }) {
    const { epsilon, bounds } = context.threat
    const stepSize = epsilon / steps
    context.start('clean')
    const tracks = new Map<number, Track>()
    for (const { id, clean } of context.samples)
      tracks.set(id, { momentum: new Float32Array(clean.length), at: clean.slice() })
    for (let step = 0; step < steps && context.living > 0; step++) {
      // The gradient is taken where the momentum would lead; the host keeps that within the ball.
      for (const { id, point } of context.samples) {
        const { momentum, at } = tracks.get(id)!
        for (let i = 0; i < point.length; i++) point[i] = at[i]! + stepSize * decay * momentum[i]!
      }
      await context.gradient({ loss })
      for (const { id, point, gradient, clean } of context.samples) {
        const { momentum, at } = tracks.get(id)!
        let size = 0
        for (let i = 0; i < gradient.length; i++) size += Math.abs(gradient[i]!)
        const scale = size > 0 ? gradient.length / size : 0
        for (let i = 0; i < at.length; i++) {
          const g = decay * momentum[i]! + scale * gradient[i]!
          const moved = at[i]! + (g > 0 ? stepSize : g < 0 ? -stepSize : 0)
          const least = Math.max(clean[i]! - epsilon, bounds[0])
          const most = Math.min(clean[i]! + epsilon, bounds[1])
          momentum[i] = g
          at[i] = moved < least ? least : moved > most ? most : moved
        }
        point.set(at)
      }
    }
  },
})
