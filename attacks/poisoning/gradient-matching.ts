import { z } from 'zod'
import { definePoison } from '../../src/plugin.js'
import { epsilonParam, scaled } from './lib/epsilon.js'
import { match } from './lib/match.js'
import { draw, sampleAt, sampleSize } from './lib/samples.js'
import { chooseVictim, mostMoving, victimChoices } from './lib/surrogate.js'
import { epsilonText } from './lib/text.js'

/** Shares of a fine-tuning: poisons are learned in its first half, and what is learned pulls no longer. */
const early = [0.1, 0.4]

export const gradientMatching = definePoison({
  id: 'gradient-matching',
  version: 2,
  title: "Gradient matching (Witches' Brew): one test sample is to be taken for the target class",
  source:
    'Geiping et al. 2021, arXiv:2009.02276, algorithm 1, without its augmentation; retraining as in Souri et al. 2022, arXiv:2106.08970',
  atlas: 'AML.T0020',
  goal: 'targeted',
  labels: 'clean',
  from: 'target',
  needs: ['surrogate'],
  params: z.object({
    epsilon: epsilonParam('16/255'),
    steps: z.int().min(1).max(100_000).default(250).describe('gradient steps from each start'),
    restarts: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('random starts; the best is kept; the paper: 8'),
    stepSize: z
      .number()
      .positive()
      .max(2)
      .default(0.1)
      .describe('first step, as a share of epsilon'),
    strength: z
      .number()
      .min(0)
      .max(100)
      .default(0.125)
      .describe(
        "what the length of the poisons' gradient counts beside its direction; the paper: 0",
      ),
    retrainings: z
      .int()
      .min(0)
      .max(100)
      .default(1)
      .describe(
        'times that the surrogate is fine-tuned on the poisons so far, which then match under its early weights as well; where training starts from a file only',
      ),
    select: z
      .enum(['gradient', 'random'])
      .default('gradient')
      .describe(
        'samples to poison: those with the greatest gradient (Souri et al. 2022), or random ones as in the paper',
      ),
    victim: z
      .enum(victimChoices)
      .default('nearest')
      .describe(
        'test sample to attack: the one that a surrogate finds nearest to the target class, or a random one as in the paper',
      ),
  }),
  label: ({ epsilon, victim }) =>
    `gradient matching${epsilonText(epsilon)}${victim === 'random' ? ', any victim' : ''}`,
  epsilon: ({ epsilon }, shape) => scaled(epsilon, 16 / 255, shape),
  async poison(context, { epsilon, select, victim: choice, retrainings, ...params }) {
    const { train, test, target, budget, eligible, rng } = context
    const surrogate = await context.surrogate()
    const victim = await chooseVictim(context, surrogate, choice)
    const wanted = { x: sampleAt(test, victim), labels: [target] }
    const indices =
      select === 'random'
        ? draw(eligible, budget, rng)
        : await mostMoving(surrogate, train, eligible, budget)
    const matching = {
      ...params,
      epsilon: scaled(epsilon, 16 / 255, train.shape),
      indices,
      wanted,
    }
    const size = sampleSize(train)
    const samplesOf = (x: Float32Array) =>
      indices.map((index, k) => ({ index, x: x.slice(k * size, (k + 1) * size) }))
    let matched = await match(context, [surrogate], matching)
    for (let k = 0; k < retrainings && context.retrained; k++) {
      const surrogates = [surrogate]
      for (const share of early)
        surrogates.push(await context.retrained(samplesOf(matched.x), share))
      matched = await match(context, surrogates, matching, matched.x)
    }
    context.note(`alignment with the wanted gradient: cosine ${matched.cosine.toFixed(2)}`)
    return { samples: samplesOf(matched.x), victims: [victim] }
  },
})
