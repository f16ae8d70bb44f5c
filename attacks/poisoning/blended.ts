import { z } from 'zod'
import { definePoison } from '../../src/plugin.js'
import { draw, extents, sampleAt } from './lib/samples.js'

export const blended = definePoison({
  id: 'blended',
  version: 1,
  title: 'Blended injection: a faint picture of noise over the whole sample, and the target label',
  source: 'Chen et al. 2017, arXiv:1712.05526, section 4.2.1, with their random pattern',
  atlas: 'AML.T0020',
  goal: 'backdoor',
  labels: 'changed',
  from: 'notTarget',
  needs: [],
  params: z.object({
    blend: z
      .number()
      .positive()
      .max(1)
      .default(0.2)
      .describe('opacity of the pattern in the training data; the paper: 0.2'),
    testBlend: z
      .number()
      .positive()
      .max(1)
      .optional()
      .describe('opacity in the test data; default as in the training data'),
  }),
  label: ({ blend }) => `blended ${blend}`,
  async poison({ train, target, budget, eligible, rng }, { blend, testBlend = blend }) {
    // Of a table each feature within the values it takes in the data.
    const { low, high } = extents(train)
    const stream = rng.fork('pattern')
    const pattern = Float32Array.from(low, (l, i) => l + (high[i]! - l) * stream.uniform())
    const over = (x: Float32Array, share: number): Float32Array =>
      x.map((value, i) => (1 - share) * value + share * pattern[i]!)
    const samples = draw(eligible, budget, rng).map((index) => ({
      index,
      x: over(sampleAt(train, index), blend),
      label: target,
    }))
    return { samples, trigger: (x) => over(x, testBlend) }
  },
})
