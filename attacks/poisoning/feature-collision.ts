import { z } from 'zod'
import { definePoison, type PoisonContext, type Surrogate } from '../../src/plugin.js'
import { confine, draw, gather, sampleAt, sampleSize, widthOf } from './lib/samples.js'
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
  const width = widthOf(context.train)
  const size = shown.length
  const count = base.length / size
  const goal = await surrogate.features(shown)
  const rates = new Float64Array(count)
  const least = new Float64Array(count).fill(Infinity)
  let best = base.slice()
  let slope = new Float32Array(base.length)
  let tried = base.slice()
  for (let step = 0; step <= steps; step++) {
    context.checkpoint()
    const apart = (await surrogate.features(tried)).map(
      (value, i) => value - goal[i % goal.length]!,
    )
    const gradient = await surrogate.featureGradient(
      tried,
      apart.map((value) => 2 * value),
    )
    for (let n = 0; n < count; n++) {
      const own = { from: n * size, to: (n + 1) * size }
      const distance = squares(apart, n * goal.length, goal.length)
      const left = tried
        .subarray(own.from, own.to)
        .reduce((sum, value, i) => sum + ((value - base[own.from + i]!) / width) ** 2, 0)
      const objective = distance + weight * left
      if (objective < least[n]!) {
        least[n] = objective
        best.set(tried.subarray(own.from, own.to), own.from)
        slope.set(gradient.subarray(own.from, own.to), own.from)
        rates[n]! *= 1.2
      } else rates[n]! /= 2
      const steepest = slope
        .subarray(own.from, own.to)
        .reduce((most, value) => Math.max(most, Math.abs(value * width)), 0)
      if (step === 0 && steepest > 0) rates[n] = firstStep / steepest
    }
    tried = best.map((value, i) => {
      const rate = rates[Math.floor(i / size)]!
      const forward = value / width - rate * slope[i]! * width
      const backward = (forward + (rate * weight * base[i]!) / width) / (1 + rate * weight)
      return confine(backward * width, range)
    })
  }
  return best
}

function squares(values: Float32Array, from: number, count: number): number {
  let sum = 0
  for (let i = from; i < from + count; i++) sum += values[i]! ** 2
  return sum
}
