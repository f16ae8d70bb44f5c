import { z } from 'zod'
import { defineAttack, kernels, type Sample, type ThreatModel } from '../../src/plugin.js'
import { follow, type Course } from './lib/courses.js'
import { anyExample, fools, towardsClean } from './lib/decisions.js'
import { gridOf, type Grid } from './lib/grid.js'
import { lengthL2 } from './lib/length.js'

interface Steps {
  readonly sphericalStep: number
  readonly sourceStep: number
  readonly adaptation: number
}

export const boundary = defineAttack({
  id: 'boundary',
  version: 1,
  title: 'Boundary attack',
  source: 'Brendel et al. 2018, arXiv:1712.04248, algorithm 1 and sections 2.2 to 2.4',
  atlas: 'AML.T0043.001',
  kind: 'minimum-norm',
  needs: ['labels'],
  norms: ['l2'],
  goals: ['untargeted'],
  restarts: 1,
  params: z.object({
    queries: z.int().min(1).max(10_000_000).default(25_000).describe('queries per sample'),
    sphericalStep: z
      .number()
      .positive()
      .max(1)
      .default(0.01)
      .describe('δ: first step along the sphere, as a fraction of the distance'),
    sourceStep: z
      .number()
      .positive()
      .max(0.5)
      .default(0.01)
      .describe('ε: first step towards the clean sample, as a fraction of the distance'),
    adaptation: z.number().min(1).max(10).default(1.5).describe('factor by which both are adapted'),
  }),
  label: ({ queries }) => `boundary-${queries}`,
  async run(context, { queries, ...steps }) {
    const grid = gridOf(context.shape)
    context.start('clean')
    await follow(context, queries, (sample) => walk(sample, grid, context.threat, steps))
  },
})

/** Answers to one kind of question; after 30 of them their mean, then from the beginning. */
class Tally {
  #asked = 0
  #hits = 0

  add(isHit: boolean): number | null {
    this.#asked++
    if (isHit) this.#hits++
    if (this.#asked < 30) return null
    const share = this.#hits / this.#asked
    this.#asked = this.#hits = 0
    return share
  }
}

/**
 * A random step along the sphere around the clean sample, then one inward. Both lengths follow how often the point on the
 * sphere (asked every tenth time) and the point inside it are examples: half of the first, a quarter of the second.
 */
function* walk(sample: Sample, grid: Grid, threat: ThreatModel, steps: Steps): Course {
  let { sphericalStep, sourceStep } = steps
  const adapt = (share: number | null, [few, many]: readonly [number, number]): number =>
    share === null ? 1 : share > many ? steps.adaptation : share < few ? 1 / steps.adaptation : 1
  const [onSphere, inside] = [new Tally(), new Tally()]
  const start = yield* anyExample(sample, grid, threat)
  let example = yield* towardsClean(sample, threat, start, 1e-3)
  for (let step = 0; ; step++) {
    const candidate = turned(sample, example, sphericalStep)
    const at = (reach: number): Float32Array =>
      pointAt(sample, candidate, { reach, bounds: threat.bounds })
    if (step % 10 === 0) {
      const isHit = yield* fools(sample, at(1))
      const factor = adapt(onSphere.add(isHit), [0.2, 0.5])
      sphericalStep = Math.min(sphericalStep * factor, 1)
      sourceStep = Math.min(sourceStep * factor, 0.5)
    }
    const point = at(1 - sourceStep)
    const isHit = yield* fools(sample, point)
    if (isHit) example = point
    sourceStep = Math.min(sourceStep * adapt(inside.add(isHit), [0.1, 0.25]), 0.5)
  }
}

interface Candidate {
  /** Of the example, from the clean sample. */
  readonly length: number
  /** Of any length. */
  readonly direction: Float32Array
}

/** The direction from the clean sample to the example, turned by a random step of `step` times their distance. */
function turned({ clean, rng }: Sample, example: Float32Array, step: number): Candidate {
  const direction = new Float32Array(example.length)
  const length = kernels.turnAside(rng, example, clean, direction, step)
  return { length, direction }
}

function pointAt(
  { clean }: Sample,
  { length, direction }: Candidate,
  { reach, bounds }: { readonly reach: number; readonly bounds: ThreatModel['bounds'] },
): Float32Array {
  const point = new Float32Array(direction.length)
  const pace = (reach * length) / Math.max(lengthL2(direction), 1e-30)
  kernels.along(clean, direction, pace, point, bounds)
  return point
}
