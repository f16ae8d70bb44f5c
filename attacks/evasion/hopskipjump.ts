import { z } from 'zod'
import { defineAttack, distance, kernels, type Sample, type ThreatModel } from '../../src/plugin.js'
import { follow, type Course } from './lib/courses.js'
import { anyExample, fools, towardsClean, type Asking } from './lib/decisions.js'
import { gridOf, type Grid } from './lib/grid.js'
import { lengthL2 } from './lib/length.js'

interface Settings {
  readonly initialProbes: number
  readonly mostProbes: number
  readonly gamma: number
}

export const hopSkipJump = defineAttack({
  id: 'hopskipjump',
  version: 1,
  title: 'HopSkipJumpAttack',
  source: 'Chen et al. 2020, arXiv:1904.02144, algorithms 1 and 2',
  atlas: 'AML.T0043.001',
  kind: 'minimum-norm',
  needs: ['labels'],
  norms: ['l2', 'linf'],
  goals: ['untargeted'],
  restarts: 1,
  params: z.object({
    queries: z.int().min(1).max(10_000_000).default(25_000).describe('queries per sample'),
    initialProbes: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(100)
      .describe('B₀: queries for the first direction; later ones take √t times as many'),
    mostProbes: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe('most queries for one direction'),
    gamma: z.number().positive().default(1).describe('γ: scales how finely the border is located'),
  }),
  label: ({ queries }) => `HopSkipJump-${queries}`,
  async run(context, { queries, ...settings }) {
    const grid = gridOf(context.shape)
    context.start('clean')
    await follow(context, queries, (sample) => jump(sample, grid, context.threat, settings))
  },
})

function* jump(sample: Sample, grid: Grid, threat: ThreatModel, settings: Settings): Course {
  const { norm, bounds } = threat
  const size = grid.channels * grid.height * grid.width
  const isLinf = norm === 'linf'
  const theta = settings.gamma / (isLinf ? size ** 2 : size ** 1.5)
  let spread = 0.1 * (bounds[1] - bounds[0])
  let example = yield* anyExample(sample, grid, threat)
  for (let step = 1; ; step++) {
    example = yield* towardsClean(sample, threat, example, theta)
    const reach = distance(norm, example, sample.clean)
    const probes = Math.floor(settings.initialProbes * Math.sqrt(step))
    const count = Math.min(probes, settings.mostProbes)
    const direction = yield* normal(sample, threat, example, { count, spread })
    example = yield* leap(sample, threat, example, { direction, length: reach / Math.sqrt(step) })
    spread = (isLinf ? size : Math.sqrt(size)) * theta * distance(norm, example, sample.clean)
  }
}

/** The border's normal: Σ (φ − mean φ)·u over random unit vectors u, φ = 1 where x + spread·u reaches the goal, else −1. */
function* normal(
  sample: Sample,
  threat: ThreatModel,
  example: Float32Array,
  { count, spread }: { readonly count: number; readonly spread: number },
): Asking<Float32Array> {
  const size = example.length
  const [missing, fooling] = [new Float32Array(size), new Float32Array(size)]
  const probe = new Float32Array(size)
  const { norm, bounds } = threat
  const near = { reach: spread, draws: norm === 'linf' ? 'uniform' : 'normal', bounds } as const
  let hits = 0
  for (let k = 0; k < count; k++) {
    kernels.probeNear(sample.rng, example, probe, near)
    const isHit = yield* fools(sample, probe)
    if (isHit) hits++
    // As it was asked: the bounds may have cut it.
    kernels.addDifference(isHit ? fooling : missing, probe, example)
  }
  // Σ φ·u = fooling − missing, and mean φ = 2·hits/count − 1. Where all agree there is nothing to take off.
  const mean = hits === 0 || hits === count ? 0 : (2 * hits) / count - 1
  const sum = fooling.map((value, i) => (1 - mean) * value - (1 + mean) * missing[i]!)
  if (norm === 'linf') return sum.map(Math.sign)
  const length = lengthL2(sum)
  return length > 0 ? sum.map((value) => value / length) : sum
}

/** As far along the direction as reaches the goal, halving from `length` on. */
function* leap(
  sample: Sample,
  threat: ThreatModel,
  example: Float32Array,
  { direction, length }: { readonly direction: Float32Array; readonly length: number },
): Asking<Float32Array> {
  for (let halvings = 0; halvings < 30; halvings++) {
    const point = new Float32Array(example.length)
    kernels.along(example, direction, length / 2 ** halvings, point, threat.bounds)
    if (yield* fools(sample, point)) return point
  }
  return example
}
