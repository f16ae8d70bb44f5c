import { z } from 'zod'
import { definePoison } from '../../src/plugin.js'
import { epsilonParam, scaled } from './lib/epsilon.js'
import { match } from './lib/match.js'
import { corners, patchOf, patterns, stamped } from './lib/patch.js'
import { draw, sampleAt, sampleSize } from './lib/samples.js'
import { mostMoving } from './lib/surrogate.js'
import { epsilonText } from './lib/text.js'

export const sleeperAgent = definePoison({
  id: 'sleeper-agent',
  version: 1,
  title:
    'Sleeper Agent: a backdoor by gradient matching, whose trigger is not in the training data',
  source:
    'Souri et al. 2022, arXiv:2106.08970, algorithm 1, with one surrogate that is not trained again in between',
  atlas: 'AML.T0020',
  goal: 'backdoor',
  labels: 'clean',
  from: 'target',
  needs: ['surrogate'],
  params: z.object({
    epsilon: epsilonParam('16/255'),
    steps: z.int().min(1).max(100_000).default(250).describe('gradient steps from each start'),
    restarts: z.int().min(1).max(1000).default(1).describe('random starts; the best is kept'),
    stepSize: z
      .number()
      .positive()
      .max(2)
      .default(0.1)
      .describe('first step, as a share of epsilon'),
    size: z
      .number()
      .positive()
      .max(1)
      .default(0.25)
      .describe(
        'side of the patch as a share of the shorter side; of a table the share of its features',
      ),
    corner: z.enum(corners).default('bottom-right').describe('where the patch is'),
    pattern: z.enum(patterns).default('checkerboard').describe('what the patch shows'),
    examples: z
      .int()
      .min(1)
      .max(100_000)
      .default(256)
      .describe(
        'training samples of the source class whose gradient, with the trigger on, is matched',
      ),
  }),
  label: ({ epsilon }) => `Sleeper Agent${epsilonText(epsilon)}`,
  epsilon: ({ epsilon }, shape) => scaled(epsilon, 16 / 255, shape),
  async poison(context, { epsilon, size, corner, pattern, examples, ...params }) {
    const { train, source, target, budget, eligible, rng } = context
    const surrogate = await context.surrogate()
    const patch = patchOf(train, { share: size, corner, pattern })
    const indices = await mostMoving(surrogate, train, eligible, budget)
    const isSource = (label: number): boolean =>
      source === null ? label !== target : label === source
    const sources = Array.from(train.labels, (_, i) => i).filter((i) => isSource(train.labels[i]!))
    const shown = draw(sources, examples, rng.fork('examples'))
    const length = sampleSize(train)
    const x = new Float32Array(shown.length * length)
    shown.forEach((index, k) => x.set(stamped(sampleAt(train, index), patch), k * length))
    const wanted = { x, labels: shown.map(() => target) }
    const matched = await match(context, [surrogate], {
      ...params,
      epsilon: scaled(epsilon, 16 / 255, train.shape),
      indices,
      wanted,
    })
    context.note(`alignment with the wanted gradient: cosine ${matched.cosine.toFixed(2)}`)
    return {
      samples: indices.map((index, k) => ({
        index,
        x: matched.x.slice(k * length, (k + 1) * length),
      })),
      trigger: (sample) => stamped(sample, patch),
    }
  },
})
