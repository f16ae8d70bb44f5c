import { z } from 'zod'
import { defineAttack, distance, kernels, type Sample, type ThreatModel } from '../../src/plugin.js'
import { follow, type Course } from './lib/courses.js'
import { anyExample, fools, towardsClean } from './lib/decisions.js'
import { fillSigns } from './lib/draws.js'
import { gridOf, type Grid } from './lib/grid.js'

export const signFlip = defineAttack({
  id: 'sign-flip',
  version: 1,
  title: 'Sign flip attack',
  source:
    'Chen et al., ECCV 2020, ecva.net/papers/eccv_2020/papers_ECCV/papers/123600273.pdf, algorithm 1, without the reduction of dimension',
  atlas: 'AML.T0043.001',
  kind: 'minimum-norm',
  needs: ['labels'],
  norms: ['linf'],
  goals: ['untargeted'],
  restarts: 1,
  params: z.object({
    queries: z.int().min(1).max(10_000_000).default(10_000).describe('queries per sample'),
    alpha: z
      .number()
      .positive()
      .max(1)
      .default(0.004)
      .describe('α: first step inward, as a share of the range of the data'),
    flips: z
      .number()
      .positive()
      .max(1)
      .default(0.001)
      .describe('first chance of a value to change its sign'),
  }),
  label: ({ queries }) => `sign-flip-${queries}`,
  async run(context, { queries, alpha, flips }) {
    const grid = gridOf(context.shape)
    const range = context.threat.bounds[1] - context.threat.bounds[0]
    context.start('clean')
    await follow(context, queries, (sample) =>
      flip(sample, grid, context.threat, { alpha: alpha * range, flips }),
    )
  },
})

/** Least and greatest chance of a value. */
const leastChance = 0.0001
const greatestChance = 0.01

/** By turns a smaller box, and other signs of a few values; how much of each follows how often they succeed. */
function* flip(
  sample: Sample,
  grid: Grid,
  threat: ThreatModel,
  settings: { readonly alpha: number; readonly flips: number },
): Course {
  const { rng } = sample
  let { alpha } = settings
  const start = yield* anyExample(sample, grid, threat)
  let example = yield* towardsClean(sample, threat, start, 2 ** -10)
  const chances = new Float64Array(example.length).fill(settings.flips)
  const [draws, signs] = [new Float64Array(example.length), new Float32Array(example.length)]
  const adapt = (i: number, by: number): void => {
    // Samples of few values would hardly ever flip one.
    const most = Math.max(greatestChance, 1 / chances.length)
    chances[i] = Math.min(Math.max(chances[i]! + by, leastChance), most)
  }
  for (;;) {
    let [shrunk, flipped] = [0, 0]
    for (let round = 0; round < 10; round++) {
      const { clean } = sample
      const most = Math.max(0, distance('linf', example, clean) - alpha)
      fillSigns(rng, signs)
      const smaller = example.map((value, i) => {
        const d = value - clean[i]! + alpha * signs[i]!
        return clean[i]! + Math.min(Math.max(d, -most), most)
      })
      kernels.clampBetween(smaller, clean, threat.bounds)
      if (yield* fools(sample, smaller)) {
        example = smaller
        shrunk++
      }
      rng.fillUniform(draws, 0, 1)
      // A view read anew: the rows may have been packed since.
      const x = sample.clean
      const turned = example.map((value, i) =>
        draws[i]! < chances[i]! ? x[i]! - (value - x[i]!) : value,
      )
      kernels.clampBetween(turned, x, threat.bounds)
      if (yield* fools(sample, turned)) {
        example = turned
        flipped++
        // Signs that may change are more likely to change again.
        for (let i = 0; i < chances.length; i++) adapt(i, draws[i]! < chances[i]! ? 1e-4 : -1e-4)
      }
    }
    if (shrunk > 7) alpha *= 1.5
    if (shrunk < 3) alpha /= 1.5
    const by = flipped > 7 ? 0.001 : flipped < 3 ? -0.001 : 0
    for (let i = 0; i < chances.length; i++) adapt(i, by)
  }
}
