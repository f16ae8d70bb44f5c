import { z } from 'zod'
import { defineAttack, type Sample, type ThreatModel } from '../../src/plugin.js'
import { follow, type Course } from './lib/courses.js'
import { gridOf, type Grid } from './lib/grid.js'
import { objectiveOf } from './lib/objective.js'

export const onePixel = defineAttack({
  id: 'one-pixel',
  version: 1,
  title: 'One-pixel attack',
  source:
    'Su et al. 2019, arXiv:1710.08864, section 3.2: differential evolution, F = 0.5, without crossover; as many pixels as epsilon allows',
  atlas: 'AML.T0043.001',
  kind: 'fixed-epsilon',
  needs: ['scores'],
  norms: ['l0'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    population: z.int().min(4).max(10_000).default(400).describe('candidates of a generation'),
    generations: z.int().min(1).max(10_000).default(100).describe('generations after the first'),
  }),
  label: ({ population, generations }) => `one-pixel-${population}x${generations}`,
  async run(context, { population, generations }) {
    const grid = gridOf(context.shape)
    context.start('clean')
    await follow(context, population * (generations + 1), (sample) =>
      evolve(sample, grid, context.threat, population),
    )
  },
})

/** A candidate holds for each pixel its row, its column, and a value of each channel. The fittest of parent and child stays. */
function* evolve(sample: Sample, grid: Grid, threat: ThreatModel, population: number): Course {
  const { rng } = sample
  const { channels, height, width } = grid
  const [low, high] = threat.bounds
  const pixels = Math.max(1, Math.floor(threat.epsilon / channels))
  const genes = 2 + channels
  const place = (): Float64Array =>
    Float64Array.from({ length: pixels * genes }, (_, gene) => {
      const kind = gene % genes
      if (kind < 2) return rng.uniform() * (kind === 0 ? height : width)
      // The paper's spread, around the middle of the range: 128 ± 127 of 0 to 255.
      return (low + high) / 2 + ((high - low) / 2) * rng.normal()
    })
  const candidates = Array.from({ length: population }, place)
  const fitness: number[] = []
  for (const candidate of candidates) {
    paint(sample, grid, candidate)
    yield
    fitness.push(objectiveOf('ce', sample))
  }
  for (;;)
    for (let own = 0; own < population; own++) {
      const [a, b, c] = [0, 0, 0].map(() => candidates[rng.below(population)]!)
      const child = a!.map((value, gene) => value + 0.5 * (b![gene]! - c![gene]!))
      paint(sample, grid, child)
      yield
      const value = objectiveOf('ce', sample)
      if (!(value > fitness[own]!)) continue
      fitness[own] = value
      candidates[own] = child
    }
}

const inside = (value: number, axis: number): number =>
  Math.min(Math.max(Math.floor(value), 0), axis - 1)

/** Places beyond the edge mean the edge; values beyond the bounds are the host's to clip. */
function paint({ clean, point }: Sample, grid: Grid, candidate: Float64Array): void {
  const { channels, height, width } = grid
  point.set(clean)
  for (let at = 0; at < candidate.length; at += 2 + channels) {
    const pixel = inside(candidate[at]!, height) * width + inside(candidate[at + 1]!, width)
    for (let channel = 0; channel < channels; channel++)
      point[channel * height * width + pixel] = candidate[at + 2 + channel]!
  }
}
