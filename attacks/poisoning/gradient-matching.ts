import { z } from 'zod'
import { definePoison } from '../../src/plugin.js'
import { match } from './lib/match.js'
import { draw, sampleAt, sampleSize } from './lib/samples.js'
import { chooseVictim, mostMoving, victimChoices } from './lib/surrogate.js'
import { shareText } from './lib/text.js'

export const gradientMatching = definePoison({
  id: 'gradient-matching',
  version: 1,
  title: "Gradient matching (Witches' Brew): one test sample is to be taken for the target class",
  source:
    'Geiping et al. 2021, arXiv:2009.02276, algorithm 1; without its augmentation and ensembles',
  atlas: 'AML.T0020',
  goal: 'targeted',
  labels: 'clean',
  from: 'target',
  needs: ['surrogate'],
  params: z.object({
    epsilon: z
      .number()
      .positive()
      .max(1)
      .default(16 / 255)
      .describe('greatest change of a value, as a share of the range'),
    steps: z.int().min(1).max(100_000).default(250).describe('gradient steps from each start'),
    restarts: z.int().min(1).max(1000).default(8).describe('random starts; the best is kept'),
    stepSize: z
      .number()
      .positive()
      .max(2)
      .default(0.1)
      .describe('first step, as a share of epsilon'),
    select: z
      .enum(['random', 'gradient'])
      .default('random')
      .describe('samples to poison: random ones, or those with the greatest gradient'),
    victim: z
      .enum(victimChoices)
      .default('random')
      .describe('test sample to attack: a random one, or the one nearest to the target class'),
  }),
  label: ({ epsilon, victim }) =>
    `gradient matching ${shareText(epsilon)}${victim === 'random' ? '' : ` ${victim}`}`,
  epsilon: ({ epsilon }) => epsilon,
  async poison(context, { select, victim: choice, ...params }) {
    const { train, test, target, budget, eligible, rng } = context
    const surrogate = await context.surrogate()
    const victim = await chooseVictim(context, surrogate, choice)
    const indices =
      select === 'random'
        ? draw(eligible, budget, rng)
        : await mostMoving(train, [...eligible], budget, surrogate)
    const wanted = { x: sampleAt(test, victim), labels: [target] }
    const { x, loss } = await match(context, surrogate, { ...params, indices, wanted })
    context.note(`alignment with the wanted gradient: cosine ${(1 - loss).toFixed(2)}`)
    const size = sampleSize(train)
    return {
      samples: indices.map((index, k) => ({ index, x: x.slice(k * size, (k + 1) * size) })),
      victims: [victim],
    }
  },
})
