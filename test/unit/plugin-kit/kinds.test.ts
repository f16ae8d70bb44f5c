import { expect, it } from 'vitest'
import { z } from 'zod'
import { noise } from '../../../attacks/evasion/noise.js'
import { defineAttack } from '../../../src/plugin.js'
import { kitOf } from '../../../src/plugin-kit/index.js'
import { describeAttack } from '../../conformance/attack.js'

/** One shift for all samples, along the sign of the sum of their gradients. */
const shared = defineAttack({
  id: 'shared-sign',
  version: 1,
  title: 'One perturbation for all',
  source: 'Moosavi-Dezfooli et al. 2017, arXiv:1610.08401: the question, not the answer',
  kind: 'universal',
  needs: ['gradient'],
  norms: ['linf'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({ steps: z.int().min(1).default(8).describe('gradient steps') }),
  label: ({ steps }) => `shared-sign-${steps}`,
  async run(context, { steps }) {
    const { epsilon } = context.threat
    const shift = new Float32Array(context.sampleSize)
    context.start('clean')
    for (let step = 0; step < steps; step++) {
      await context.gradient({ loss: 'margin' })
      const total = new Float32Array(context.sampleSize)
      for (const { gradient, isFooled } of context.samples)
        if (!isFooled) gradient.forEach((value, i) => (total[i]! += value))
      total.forEach((value, i) => {
        const moved = shift[i]! + (epsilon / 2) * Math.sign(value)
        shift[i] = Math.min(Math.max(moved, -epsilon), epsilon)
      })
      for (const { point, clean } of context.samples)
        shift.forEach((value, i) => (point[i] = clean[i]! + value))
    }
  },
})

describeAttack({ plugin: shared, isRandom: false })

const names = (plugin: Parameters<typeof kitOf>[0]): Set<string> =>
  new Set(kitOf(plugin).checks.map(({ name }) => name))

it('asks of a universal attack what is common to all samples, of a control no victory over noise', () => {
  expect(names(shared)).not.toContain('a sample fares the same whatever else is in its shard')
  expect(names(shared)).toContain('beats noise on a linear model, and finds its least epsilon')
  expect(names(noise)).not.toContain('beats noise on a linear model, and finds its least epsilon')
  expect(names(noise)).toContain('finds nothing on a linear model where nothing is')
})
