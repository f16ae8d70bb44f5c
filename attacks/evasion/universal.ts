import { z } from 'zod'
import { defineAttack, type AttackContext } from '../../src/plugin.js'

export const universal = defineAttack({
  id: 'universal',
  version: 1,
  title: 'Universal adversarial perturbation',
  source:
    'Moosavi-Dezfooli et al. 2017, arXiv:1610.08401; by ascent of the mean loss as Shafahi et al. 2020, arXiv:1811.11304, algorithm 2',
  atlas: 'AML.T0043.000',
  kind: 'universal',
  needs: ['gradient'],
  norms: ['linf', 'l2'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(100).describe('steps over all samples'),
    relStepSize: z
      .number()
      .positive()
      .max(2)
      .default(0.1)
      .describe('first step as a fraction of epsilon; it shrinks in proportion to what is left'),
  }),
  label: ({ steps }) => `universal-${steps}`,
  /** One δ for all samples, which ascends the mean margin of those it does not fool yet. The best of all δ is the answer. */
  async run(context, { steps, relStepSize }) {
    const { norm, epsilon } = context.threat
    let delta: Float64Array = new Float64Array(context.sampleSize)
    let best = { fooled: -1, delta }
    for (let step = 0; ; step++) {
      moveAll(context, delta)
      if (step === steps) await context.score()
      else await context.gradient({ loss: 'margin' })
      const open = context.samples.filter(({ isFooled }) => !isFooled)
      const fooled = context.samples.length - open.length
      // Of equal ones the later: where none is fooled yet, margins have fallen all the same.
      if (fooled >= best.fooled) best = { fooled, delta }
      if (step === steps || open.length === 0) break
      const mean = new Float64Array(context.sampleSize)
      for (const { gradient } of open)
        for (let i = 0; i < mean.length; i++) mean[i]! += gradient[i]! / open.length
      const size = relStepSize * epsilon * (1 - step / steps)
      delta = moved(delta, mean, { norm, epsilon, size, scale: context.scale })
    }
    moveAll(context, best.delta)
  },
})

function moveAll({ samples }: AttackContext, delta: Float64Array): void {
  for (const { clean, point } of samples)
    for (let i = 0; i < point.length; i++) point[i] = clean[i]! + delta[i]!
}

/** The steepest step of the norm, then back into the ball. */
function moved(
  delta: Float64Array,
  gradient: Float64Array,
  {
    norm,
    epsilon,
    size,
    scale,
  }: { norm: string; epsilon: number; size: number; scale: Float32Array },
): Float64Array {
  if (norm === 'linf')
    return delta.map((d, i) => {
      const most = epsilon * scale[i]!
      return Math.min(Math.max(d + size * scale[i]! * Math.sign(gradient[i]!), -most), most)
    })
  const length = lengthOf(gradient)
  if (!(length > 0)) return delta
  const next = delta.map((d, i) => d + (size / length) * gradient[i]!)
  const factor = Math.min(1, epsilon / lengthOf(next))
  return next.map((d) => factor * d)
}

const lengthOf = (values: Float64Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
