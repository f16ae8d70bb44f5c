import { z } from 'zod'
import { defineAttack, kernels, type Sample } from '../../src/plugin.js'
import { rivalsOf } from './lib/rivals.js'
import { signOf } from './lib/vector.js'

/**
 * Of each sample, the step to the nearest of the linearised borders: δ = |f|/‖w‖₂² · w in L2, |f|/‖w‖₁ · sign w in L∞,
 * with w = ∇(z_k − z_y) and f = z_k − z_y; in L∞, w and δ in the values' own scales.
 */
interface Nearest {
  ratio: number
  readonly step: Float32Array
}

export const deepfool = defineAttack({
  id: 'deepfool',
  version: 1,
  title: 'DeepFool',
  source: 'Moosavi-Dezfooli et al. 2016, arXiv:1511.04599, algorithm 2 and section 3.3',
  atlas: 'AML.T0043.000',
  kind: 'minimum-norm',
  needs: ['gradient'],
  norms: ['l2', 'linf'],
  goals: ['untargeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(10_000).default(50).describe('most iterations'),
    overshoot: z.number().min(0).max(10).default(0.02).describe('η: how far beyond the border'),
    candidates: z.int().min(1).max(1000).default(10).describe('most classes looked at per step'),
  }),
  label: ({ steps }) => `DeepFool-${steps}`,
  async run(context, { steps, overshoot, candidates }) {
    context.start('clean')
    await context.score()
    /** Σ of the steps so far, without the overshoot, and the other classes by falling score on the clean sample. */
    const total = new Map<number, Float32Array>()
    const nearest = new Map<number, Nearest>()
    const classes = new Map<number, readonly number[]>()
    for (const { id, label, scores } of context.samples) {
      total.set(id, new Float32Array(context.sampleSize))
      nearest.set(id, { ratio: Infinity, step: new Float32Array(context.sampleSize) })
      classes.set(id, rivalsOf(scores, label).slice(0, candidates))
    }
    const most = Math.min(candidates, context.classes - 1)
    const isLinf = context.threat.norm === 'linf'
    for (let step = 0; step < steps && context.living > 0; step++) {
      for (const one of nearest.values()) one.ratio = Infinity
      for (let k = 0; k < most && context.living > 0; k++) {
        await context.gradient({
          loss: 'difference',
          towards: ({ id }) => classes.get(id)![k]!,
        })
        context.leave(({ closest }) => closest !== null)
        for (const sample of context.samples)
          keepNearer(nearest.get(sample.id)!, sample, isLinf ? context.scale : null)
      }
      for (const { id, clean, point } of context.samples) {
        const sum = total.get(id)!
        const { ratio, step: move } = nearest.get(id)!
        for (let i = 0; i < sum.length; i++) {
          if (ratio < Infinity) sum[i]! += move[i]!
          point[i] = clean[i]! + (1 + overshoot) * sum[i]!
        }
      }
    }
    if (context.living > 0) await context.score()
  },
})

/** Keeps the nearest point of the border to one class, as the gradient sees it, if it is the nearest so far. */
function keepNearer(
  nearest: Nearest,
  { loss, gradient }: Sample,
  scale: Float32Array | null,
): void {
  // A little more than |f|: a step of 0 would stay on the border for ever.
  const gap = Math.abs(loss) + 1e-6
  let length = 0
  if (scale) for (let i = 0; i < gradient.length; i++) length += scale[i]! * Math.abs(gradient[i]!)
  else length = kernels.squareOf(gradient)
  const ratio = length > 0 ? gap / (scale ? length : Math.sqrt(length)) : Infinity
  if (!(ratio < nearest.ratio)) return
  nearest.ratio = ratio
  const { step } = nearest
  const pace = gap / length
  if (scale)
    for (let i = 0; i < step.length; i++) step[i] = pace * (scale[i]! * signOf(gradient[i]!))
  else for (let i = 0; i < step.length; i++) step[i] = pace * gradient[i]!
}
