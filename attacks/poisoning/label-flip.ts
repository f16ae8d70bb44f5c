import { z } from 'zod'
import { definePoison, type PoisonContext } from '../../src/plugin.js'
import { classMeans, nearestTo } from './lib/classes.js'
import { draw } from './lib/samples.js'

export const labelFlip = definePoison({
  id: 'label-flip',
  version: 1,
  title: 'Labels flipped to another class at random',
  source: 'Biggio et al. 2011, "Support vector machines under adversarial label noise", section 4',
  atlas: 'AML.T0020',
  goal: 'availability',
  labels: 'changed',
  from: 'any',
  needs: [],
  params: z.object({}),
  label: () => 'label flip',
  async poison({ train, budget, eligible, rng }) {
    const other = (label: number): number => {
      const drawn = rng.below(train.classes - 1)
      return drawn < label ? drawn : drawn + 1
    }
    return {
      samples: draw(eligible, budget, rng).map((index) => ({
        index,
        label: other(train.labels[index]!),
      })),
    }
  },
})

export const labelFlipTargeted = definePoison({
  id: 'label-flip-targeted',
  version: 1,
  title: 'Labels of the source class flipped to the target class',
  source: 'Tolpegin et al. 2020, arXiv:2007.08432, section 3',
  atlas: 'AML.T0020',
  goal: 'misclassification',
  labels: 'changed',
  from: 'source',
  needs: [],
  params: z.object({}),
  label: () => 'label flip to target',
  async poison({ budget, eligible, target, rng }) {
    return { samples: draw(eligible, budget, rng).map((index) => ({ index, label: target })) }
  },
})

export const labelFlipNearest = definePoison({
  id: 'label-flip-nearest',
  version: 1,
  title: 'Labels flipped to the class that is most alike',
  source:
    'after Biggio et al. 2011, section 4, whose adversarial flips are those that cost the most; here by class means',
  atlas: 'AML.T0020',
  goal: 'availability',
  labels: 'changed',
  from: 'any',
  needs: ['surrogate'],
  params: z.object({
    space: z
      .enum(['values', 'features'])
      .default('values')
      .describe('where class means are compared: in the data, or in the features of a surrogate'),
  }),
  label: ({ space }) => `label flip to nearest${space === 'values' ? '' : ` in ${space}`}`,
  async poison(context, { space }) {
    const nearest = nearestTo(await classMeans(context.train, await spaceOf(context, space)))
    const { train, budget, eligible, rng } = context
    return {
      samples: draw(eligible, budget, rng).map((index) => ({
        index,
        label: nearest[train.labels[index]!]!,
      })),
    }
  },
})

async function spaceOf(
  context: PoisonContext,
  space: 'values' | 'features',
): Promise<((x: Float32Array) => Promise<Float32Array>) | null> {
  if (space === 'values') return null
  const surrogate = await context.surrogate()
  return (x) => surrogate.features(x)
}
