import { z } from 'zod'
import { defineAttack, kernels, type Sample, type ThreatModel } from '../../src/plugin.js'
import { follow, type Course } from './lib/courses.js'
import { estimate, type Estimate } from './lib/estimate.js'

export const nes = defineAttack({
  id: 'nes',
  version: 1,
  title: 'Natural evolution strategies (NES)',
  source: 'Ilyas et al. 2018, arXiv:1804.08598, algorithm 1 and section 3.1',
  atlas: 'AML.T0043.001',
  kind: 'fixed-epsilon',
  needs: ['scores'],
  norms: ['linf', 'l2'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(200).describe('steps of projected descent'),
    pairs: z
      .int()
      .min(1)
      .max(100_000)
      .default(25)
      .describe('directions per step, two queries each'),
    sigma: z
      .number()
      .positive()
      .max(1)
      .default(0.001)
      .describe('spread of the directions, as a share of the range of the data'),
    relStepSize: z
      .number()
      .positive()
      .max(2)
      .default(0.2)
      .describe('step, as a fraction of epsilon'),
    momentum: z.number().min(0).max(1).default(0.9).describe('share of the step before that stays'),
  }),
  label: ({ steps, pairs }) => `NES-${steps}x${2 * pairs}`,
  async run(context, { steps, pairs, sigma, relStepSize, momentum }) {
    const { threat } = context
    context.start('clean')
    await follow(context, steps * (2 * pairs + 1), (sample) =>
      ascend(
        sample,
        threat,
        { stepSize: relStepSize * threat.epsilon, momentum },
        {
          pairs,
          values: context,
          reach: sigma * (threat.bounds[1] - threat.bounds[0]),
          objective: 'ce',
          draw: kernels.fillNormal,
        },
      ),
    )
  },
})

function* ascend(
  sample: Sample,
  { norm }: ThreatModel,
  { stepSize, momentum }: { readonly stepSize: number; readonly momentum: number },
  options: Estimate,
): Course {
  const size = sample.point.length
  const [gradient, mean] = [new Float64Array(size), new Float64Array(size)]
  for (;;) {
    yield* estimate(sample, options, gradient)
    let length = 0
    for (let i = 0; i < size; i++) {
      mean[i] = momentum * mean[i]! + (1 - momentum) * gradient[i]!
      length += mean[i]! ** 2
    }
    const { point } = sample
    const scale = length > 0 ? stepSize / Math.sqrt(length) : 0
    for (let i = 0; i < size; i++)
      point[i]! +=
        norm === 'l2' ? scale * mean[i]! : stepSize * options.values.scale[i]! * Math.sign(mean[i]!)
    yield
  }
}
