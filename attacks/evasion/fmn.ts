import { z } from 'zod'
import {
  defineAttack,
  distance,
  kernels,
  lossNames,
  type Norm,
  type Sample,
} from '../../src/plugin.js'
import { cosine } from './lib/cosine.js'
import { dualLength } from './lib/length.js'
import { marginOf } from './lib/margin.js'

const fmnNorms = ['linf', 'l2', 'l1', 'l0'] as const

export const fmn = defineAttack({
  id: 'fmn',
  version: 1,
  title: 'Fast minimum-norm attack',
  source: 'Pintor et al. 2021, arXiv:2102.12827, algorithm 1',
  atlas: 'AML.T0043.000',
  kind: 'minimum-norm',
  needs: ['gradient'],
  norms: [...fmnNorms],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(1000).describe('gradient steps'),
    stepSize: z
      .number()
      .positive()
      .optional()
      .describe(
        'α₀, where the bounds are 1 apart (otherwise that many times their distance), falling along a cosine; default 1, but 10 in L0, where few values have to change much',
      ),
    lastStepSize: z
      .number()
      .positive()
      .optional()
      .describe('step size at the end; default a hundredth of stepSize'),
    gamma: z
      .number()
      .positive()
      .max(0.9)
      .default(0.05)
      .describe('γ₀: by what part epsilon changes in the first step; it falls along a cosine'),
    lastGamma: z.number().min(0).max(0.9).default(0.001).describe('γ at the end'),
    loss: z
      .enum(lossNames)
      .default('margin')
      .describe(
        'loss to ascend; margin keeps to the class it comes to first, ce weighs all classes and may find a closer one',
      ),
  }),
  label: ({ steps }) => `FMN-${steps}`,
  async run(context, { steps, ...rest }) {
    const { norm, bounds } = context.threat
    const { stepSize = norm === 'l0' ? 10 : 1, lastStepSize = stepSize / 100 } = rest
    const width = bounds[1] - bounds[0]
    context.start('clean')
    const radii = new Map(context.samples.map(({ id }) => [id, norm === 'l0' ? 1 : 0]))
    for (let step = 0; step < steps && context.living > 0; step++) {
      await context.gradient({ loss: rest.loss })
      const size = width * cosine(stepSize, lastStepSize, step, steps)
      const change = cosine(rest.gamma, rest.lastGamma, step, steps)
      for (const sample of context.samples) {
        const { id, clean, point, gradient } = sample
        const radius = nextRadius(norm, sample, radii.get(id)!, change)
        radii.set(id, radius)
        kernels.stepAlong(point, clean, gradient, {
          size,
          onto: norm as (typeof fmnNorms)[number],
          radius,
          bounds,
        })
      }
    }
    if (context.living > 0) await context.score()
  },
})

/**
 * The ε-step: inwards from an example (never beyond the closest one), outwards from another point. As long as there is no
 * example, as far as the border would be were the model linear; in L0, by one value more at least. Where the bounds hold
 * values back, that estimate alone would stay where it is: so by γ at least, which the paper does not say.
 */
function nextRadius(norm: Norm, sample: Sample, radius: number, gamma: number): number {
  const { isFooled, closest, clean, point, gradient } = sample
  const best = closest?.distance ?? Infinity
  if (norm === 'l0')
    return isFooled
      ? Math.max(1, Math.min(radius - 1, Math.floor(radius * (1 - gamma)), best))
      : Math.max(radius + 1, Math.floor(radius * (1 + gamma)))
  if (isFooled) return Math.min(radius * (1 - gamma), best)
  const farther = radius * (1 + gamma)
  if (closest) return farther
  const ahead = Math.abs(marginOf(sample)) / Math.max(dualLength(norm, gradient), 1e-30)
  // Scores that are not numbers say nothing of the border.
  return Number.isNaN(ahead) ? farther : Math.max(farther, distance(norm, point, clean) + ahead)
}
