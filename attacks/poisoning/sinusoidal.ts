import { z } from 'zod'
import { definePoison } from '../../src/plugin.js'
import { gridOf } from '../evasion/lib/grid.js'
import { epsilonParam, scaled } from './lib/epsilon.js'
import { confine, draw, sampleAt, widthOf } from './lib/samples.js'
import { epsilonText } from './lib/text.js'

export const sinusoidal = definePoison({
  id: 'sinusoidal',
  version: 1,
  title: 'SIG: a wave over images of the target class, labels as they are',
  source: 'Barni et al. 2019, arXiv:1902.11237, section 3.2: v(i, j) = Δ sin(2πjf/m)',
  atlas: 'AML.T0020',
  goal: 'backdoor',
  labels: 'clean',
  from: 'target',
  needs: [],
  images: true,
  params: z.object({
    delta: epsilonParam('30/255'),
    testDelta: z
      .number()
      .positive()
      .max(1)
      .optional()
      .describe(
        'height of the wave in the test data, which no person looks through; default twice delta',
      ),
    frequency: z
      .number()
      .positive()
      .default(6)
      .describe('waves across the image; at most one in four columns'),
  }),
  label: ({ delta, frequency }) => `sinusoidal${epsilonText(delta)} f${frequency}`,
  epsilon: ({ delta }, shape) => scaled(delta, 30 / 255, shape),
  async poison({ train, budget, eligible, rng }, { frequency, ...params }) {
    const delta = scaled(params.delta, 30 / 255, train.shape)
    const { testDelta = Math.min(1, 2 * delta) } = params
    const { width } = gridOf(train.shape)
    const waves = Math.min(frequency, width / 4)
    const range = widthOf(train)
    const over = (x: Float32Array, height: number): Float32Array =>
      x.map((value, i) => {
        const wave = Math.sin((2 * Math.PI * (i % width) * waves) / width)
        return confine(value + height * range * wave, train.range)
      })
    const samples = draw(eligible, budget, rng).map((index) => ({
      index,
      x: over(sampleAt(train, index), delta),
    }))
    return { samples, trigger: (x) => over(x, testDelta) }
  },
})
