import { z } from 'zod'
import { definePoison } from '../../src/plugin.js'
import { epsilonParam, scaled } from './lib/epsilon.js'
import { decayed, perturbation, reachOf } from './lib/perturbation.js'
import { draw, sampleAt, sampleSize } from './lib/samples.js'
import { chooseVictim, victimChoices } from './lib/surrogate.js'
import { epsilonText } from './lib/text.js'

export const bullseyePolytope = definePoison({
  id: 'bullseye-polytope',
  version: 1,
  title: 'Bullseye polytope: samples of the target class around the features of one test sample',
  source:
    'Aghakhani et al. 2021, arXiv:2005.00191, eq. 2, with one surrogate and steps of signed Adam',
  atlas: 'AML.T0020',
  goal: 'targeted',
  labels: 'clean',
  from: 'target',
  needs: ['surrogate'],
  params: z.object({
    epsilon: epsilonParam('0.1'),
    steps: z.int().min(1).max(100_000).default(500).describe('gradient steps'),
    stepSize: z
      .number()
      .positive()
      .max(2)
      .default(0.1)
      .describe('first step, as a share of epsilon'),
    victim: z
      .enum(victimChoices)
      .default('nearest')
      .describe(
        'test sample to attack: the one that a surrogate finds nearest to the target class, or a random one as in the paper',
      ),
  }),
  label: ({ epsilon }) => `bullseye polytope${epsilonText(epsilon)}`,
  epsilon: ({ epsilon }, shape) => scaled(epsilon, 0.1, shape),
  async poison(context, { epsilon, steps, stepSize, victim: choice }) {
    const { train, test, budget, eligible, rng } = context
    const surrogate = await context.surrogate()
    const victim = await chooseVictim(context, surrogate, choice)
    const goal = await surrogate.features(sampleAt(test, victim))
    const indices = draw(eligible, budget, rng)
    const perturbed = perturbation(
      train,
      indices,
      reachOf(train, scaled(epsilon, 0.1, train.shape)),
    )
    const width = surrogate.featureWidth
    for (let step = 0; step < steps; step++) {
      context.checkpoint()
      const features = await surrogate.features(perturbed.x)
      // ½‖f(t) − mean f(x)‖²: every poison is pulled the same way, from the mean to the middle.
      const away = new Float32Array(width)
      features.forEach((value, i) => (away[i % width]! += value / budget))
      for (let i = 0; i < width; i++) away[i]! -= goal[i]!
      const direction = Float32Array.from({ length: features.length }, (_, i) => away[i % width]!)
      const gradient = await surrogate.featureGradient(perturbed.x, direction)
      perturbed.descend(gradient, decayed(step, steps, stepSize))
    }
    const size = sampleSize(train)
    return {
      samples: indices.map((index, k) => ({
        index,
        x: perturbed.x.slice(k * size, (k + 1) * size),
      })),
      victims: [victim],
    }
  },
})
