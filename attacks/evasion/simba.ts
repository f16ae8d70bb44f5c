import { z } from 'zod'
import { defineAttack, type Rng, type Sample } from '../../src/plugin.js'
import { follow, type Course } from './lib/courses.js'
import { cosineBasis, pixelBasis, type Basis } from './lib/basis.js'
import { gridOf } from './lib/grid.js'
import { objectiveOf } from './lib/objective.js'

export const simba = defineAttack({
  id: 'simba',
  version: 1,
  title: 'Simple black-box attack (SimBA)',
  source: 'Guo et al. 2019, arXiv:1905.07121, algorithm 1 and section 3.1',
  atlas: 'AML.T0043.001',
  kind: 'fixed-epsilon',
  needs: ['scores'],
  norms: ['l2'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    queries: z.int().min(1).max(1_000_000).default(10_000).describe('queries per restart'),
    basis: z.enum(['pixel', 'dct']).default('pixel').describe('directions: values, or cosines'),
    stepSize: z.number().positive().default(0.2).describe('length of a step, in the data units'),
    frequencies: z
      .number()
      .positive()
      .max(1)
      .default(1 / 8)
      .describe('share of the lowest frequencies along each axis, for dct'),
  }),
  label: ({ queries, basis }) => `SimBA-${queries}${basis === 'dct' ? '-dct' : ''}`,
  async run(context, { queries, basis: name, stepSize, frequencies }) {
    const grid = gridOf(context.shape)
    const basis = name === 'dct' ? cosineBasis(grid, frequencies) : pixelBasis(context.sampleSize)
    context.start('clean')
    await follow(context, queries, (sample) => descend(sample, basis, stepSize))
  },
})

/** Direction by direction, in a random order: there, else back, else not at all. Beyond epsilon the host projects. */
function* descend(sample: Sample, basis: Basis, stepSize: number): Course {
  yield
  const kept = sample.point.slice()
  let best = objectiveOf('ce', sample)
  for (;;)
    for (const k of shuffled(basis.count, sample.rng))
      for (const step of [stepSize, -stepSize]) {
        sample.point.set(kept)
        basis.add(sample.point, k, step)
        yield
        const value = objectiveOf('ce', sample)
        if (!(value > best)) continue
        best = value
        kept.set(sample.point)
        break
      }
}

function shuffled(count: number, rng: Rng): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const other = rng.below(i + 1)
    const value = order[i]!
    order[i] = order[other]!
    order[other] = value
  }
  return order
}
