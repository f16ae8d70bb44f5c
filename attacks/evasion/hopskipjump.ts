import { z } from 'zod'
import { defineAttack, distance, type Sample, type ThreatModel } from '../../src/plugin.js'
import { follow, type Course } from './lib/courses.js'
import { anyExample, fools, towardsClean, type Asking } from './lib/decisions.js'
import { fillNormal } from './lib/draws.js'
import { gridOf, type Grid } from './lib/grid.js'

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
): Asking<Float64Array> {
  const size = example.length
  const [all, fooling] = [new Float64Array(size), new Float64Array(size)]
  const [draw, probe] = [new Float32Array(size), new Float32Array(size)]
  let hits = 0
  for (let k = 0; k < count; k++) {
    if (threat.norm === 'linf') sample.rng.fillUniform(draw, -1, 1)
    else fillNormal(sample.rng, draw)
    const scale = spread / Math.max(lengthOf(draw), 1e-30)
    for (let i = 0; i < size; i++) probe[i] = example[i]! + scale * draw[i]!
    const isHit = yield* fools(sample, threat, probe)
    if (isHit) hits++
    for (let i = 0; i < size; i++) {
      // As it was asked: the bounds may have cut it.
      const u = probe[i]! - example[i]!
      all[i]! += u
      if (isHit) fooling[i]! += u
    }
  }
  // Σ φ·u = 2·fooling − all, and mean φ = 2·hits/count − 1. Where all agree there is nothing to take off.
  const mean = hits === 0 || hits === count ? 0 : (2 * hits) / count - 1
  const sum = all.map((value, i) => 2 * fooling[i]! - value - mean * value)
  if (threat.norm === 'linf') return sum.map(Math.sign)
  const length = lengthOf(sum)
  return length > 0 ? sum.map((value) => value / length) : sum
}

/** As far along the direction as reaches the goal, halving from `length` on. */
function* leap(
  sample: Sample,
  threat: ThreatModel,
  example: Float32Array,
  { direction, length }: { readonly direction: Float64Array; readonly length: number },
): Asking<Float32Array> {
  for (let halvings = 0; halvings < 30; halvings++) {
    const point = example.map((value, i) => value + (length / 2 ** halvings) * direction[i]!)
    if (yield* fools(sample, threat, point)) return point
  }
  return example
}

function lengthOf(values: Float32Array | Float64Array): number {
  let square = 0
  for (const value of values) square += value * value
  return Math.sqrt(square)
}
