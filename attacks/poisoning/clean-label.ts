import { z } from 'zod'
import { definePoison } from '../../src/plugin.js'
import { epsilonParam, scaled } from './lib/epsilon.js'
import { corners, patchOf, patterns, stamped } from './lib/patch.js'
import { perturbation, reachOf } from './lib/perturbation.js'
import { draw, sampleSize } from './lib/samples.js'
import { epsilonText } from './lib/text.js'

export const cleanLabel = definePoison({
  id: 'clean-label',
  version: 1,
  title: 'Clean-label backdoor: images of the target class made hard to learn, with a patch',
  source:
    'Turner et al. 2019, arXiv:1912.02771, section 4.2, adversarial perturbations; the surrogate is not adversarially trained',
  atlas: 'AML.T0020',
  goal: 'backdoor',
  labels: 'clean',
  from: 'target',
  needs: ['surrogate'],
  images: true,
  params: z.object({
    epsilon: epsilonParam('16/255'),
    steps: z.int().min(1).max(10_000).default(100).describe('gradient steps'),
    size: z
      .number()
      .positive()
      .max(0.5)
      .default(0.1)
      .describe('side of the patch as a share of the shorter side of the image'),
    pattern: z.enum(patterns).default('checkerboard').describe('what the patch shows'),
    everywhere: z
      .boolean()
      .default(true)
      .describe('a patch in all four corners, as in section 5.4: augmentation does not lose it'),
    opacity: z.number().positive().max(1).default(1).describe('of the patch in the training data'),
  }),
  label: ({ epsilon }) => `clean-label${epsilonText(epsilon)}`,
  async poison(context, { epsilon, steps, size, pattern, everywhere, opacity }) {
    const { train, budget, eligible, rng } = context
    const surrogate = await context.surrogate()
    const indices = draw(eligible, budget, rng)
    const labels = indices.map((index) => train.labels[index]!)
    const perturbed = perturbation(
      train,
      indices,
      reachOf(train, scaled(epsilon, 16 / 255, train.shape)),
    )
    for (let step = 0; step < steps; step++) {
      context.checkpoint()
      const gradient = await surrogate.lossGradient(perturbed.x, labels)
      // Up the loss of the right class.
      perturbed.descend(
        gradient.map((value) => -value),
        Math.max(2.5 / steps, 0.01),
      )
    }
    const places = everywhere ? corners : corners.slice(0, 1)
    const patches = places.map((corner) => patchOf(train, { share: size, corner, pattern }))
    const trigger = (x: Float32Array, shown = 1): Float32Array =>
      patches.reduce((under, patch) => stamped(under, patch, shown), x)
    const length = sampleSize(train)
    return {
      samples: indices.map((index, k) => ({
        index,
        x: trigger(perturbed.x.slice(k * length, (k + 1) * length), opacity),
      })),
      trigger: (x) => trigger(x),
    }
  },
})
