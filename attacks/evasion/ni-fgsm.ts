import { z } from 'zod'
import { defineAttack, kernels, lossNames } from '../../src/plugin.js'
import { factorsOf } from './lib/apgd-moves.js'

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
    const scale = factorsOf(context.scale)
    context.start('clean')
    const tracks = new Map<number, Track>()
    for (const { id, clean } of context.samples)
      tracks.set(id, {
        momentum: new Float32Array(clean.length),
        at: clean.slice(),
      })
    for (let step = 0; step < steps && context.living > 0; step++) {
      await context.gradient({ loss })
      for (const sample of context.samples) {
        const track = tracks.get(sample.id)!
        const box = { clean: sample.clean, radius: epsilon, bounds, scale }
        kernels.stepAhead(sample.point, sample.gradient, track, { stepSize, decay, ...box })
        // The next gradient is taken where the momentum would lead; the last point is where it has led.
        if (step === steps - 1) sample.point.set(track.at)
      }
    }
  },
})
