import { z } from 'zod'
import { definePoison, type PoisonContext, type Surrogate } from '../../src/plugin.js'
import { confine, draw, gather, sampleAt, sampleSize } from './lib/samples.js'
import { chooseVictim, victimChoices } from './lib/surrogate.js'

export const featureCollision = definePoison({
  id: 'feature-collision',
  version: 1,
  title:
    'Feature collision (Poison Frogs): samples of the target class with the features of one test sample',
  source:
    'Shafahi et al. 2018, arXiv:1804.00792, algorithm 1; a step that raises its objective is taken back and halved',
  atlas: 'AML.T0020',
  goal: 'targeted',
  labels: 'clean',
  from: 'target',
  needs: ['surrogate'],
  params: z.object({
    steps: z.int().min(1).max(100_000).default(200).describe('forward-backward steps'),
    beta: z
      .number()
      .min(0)
      .default(0.25)
      .describe(
        'weight of staying near the base, times (features / values of a sample)²; the paper: 0.25',
      ),
    watermark: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        'opacity at which the test sample is laid over the base; the paper: 0.3 where all layers are trained',
      ),
    victim: z
      .enum(victimChoices)
      .default('nearest')
      .describe(
        'test sample to attack: the one that a surrogate finds nearest to the target class, or a random one as in the paper',
      ),
  }),
  label: ({ watermark }) => `feature collision${watermark > 0 ? ` ${watermark}` : ''}`,
  async poison(context, { steps, beta, watermark, victim: choice }) {
    const { train, test, budget, eligible, rng } = context
    const surrogate = await context.surrogate()
    const victim = await chooseVictim(context, surrogate, choice)
    const indices = draw(eligible, budget, rng)
    const shown = sampleAt(test, victim)
    const size = sampleSize(train)
    const base = gather(train, indices).map(
      (value, i) => (1 - watermark) * value + watermark * shown[i % size]!,
    )
    const weight = beta * (surrogate.featureWidth / size) ** 2
    const x = await collide(context, surrogate, { base, shown, weight, steps })
    return {
      samples: indices.map((index, k) => ({ index, x: x.slice(k * size, (k + 1) * size) })),
      victims: [victim],
    }
  },
})

interface Collision {
  /** (N, ...shape) */
  readonly base: Float32Array
  /** (...shape) */
  readonly shown: Float32Array
  readonly weight: number
  readonly steps: number
}

/** First step: the value that moves most, moves by this share of the range. */
const firstStep = 0.05

/** One sample on its way: the best point so far, what is known there, and how far the next step goes. */
interface Course {
  readonly base: Float32Array
  point: Float32Array
  slope: Float32Array
  least: number
  rate: number
}

/**
 * min ‖f(x) − f(t)‖² + β‖x − b‖² for each sample alone, values in units of the range: a gradient step on the first term
 * (forward), then the minimum of the second around it (backward).
 */
async function collide(
  context: PoisonContext,
  surrogate: Surrogate,
  { base, shown, weight, steps }: Collision,
): Promise<Float32Array> {
  const { range } = context.train
  const size = shown.length
  const goal = await surrogate.features(shown)
  const courses = Array.from({ length: base.length / size }, (_, n): Course => {
    const own = base.slice(n * size, (n + 1) * size)
    return { base: own, point: own, slope: new Float32Array(size), least: Infinity, rate: 0 }
  })
  let tried = base
  for (let step = 0; step <= steps; step++) {
    context.checkpoint()
    const features = await surrogate.features(tried)
    const apart = features.map((value, i) => value - goal[i % goal.length]!)
    const gradient = await surrogate.featureGradient(
      tried,
      apart.map((value) => 2 * value),
    )
    for (const [n, course] of courses.entries()) {
      const point = tried.slice(n * size, (n + 1) * size)
      const distance = squares(apart.subarray(n * goal.length, (n + 1) * goal.length))
      const slope = gradient.slice(n * size, (n + 1) * size)
      judgeStep(course, point, { distance, slope, weight, range })
    }
    tried = joined(courses.map((course) => next(course, weight, range)))
  }
  return joined(courses.map(({ point }) => point))
}

/** Goes on from a point that is better, or halves the step. */
function judgeStep(
  course: Course,
  point: Float32Array,
  {
    distance,
    slope,
    weight,
    range: [low, high],
  }: {
    readonly distance: number
    readonly slope: Float32Array
    readonly weight: number
    readonly range: readonly [number, number]
  },
): void {
  const { base, least } = course
  const width = high - low
  const left = squares(point.map((value, i) => (value - base[i]!) / width))
  const objective = distance + weight * left
  if (!(objective < least)) {
    course.rate /= 2
    return
  }
  Object.assign(course, { point, slope, least: objective })
  const steepest = slope.reduce((most, value) => Math.max(most, Math.abs(value * width)), 0)
  if (least < Infinity) course.rate *= 1.2
  else if (steepest > 0) course.rate = firstStep / steepest
}

function next(
  { base, point, slope, rate }: Course,
  weight: number,
  range: readonly [number, number],
): Float32Array {
  const width = range[1] - range[0]
  return point.map((value, i) => {
    const forward = value / width - rate * slope[i]! * width
    const backward = (forward + (rate * weight * base[i]!) / width) / (1 + rate * weight)
    return confine(backward * width, range)
  })
}

function squares(values: Float32Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return sum
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.length * (parts[0]?.length ?? 0))
  parts.forEach((part, n) => out.set(part, n * part.length))
  return out
}
