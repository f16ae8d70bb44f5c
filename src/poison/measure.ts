import type { Trigger } from './craft.js'
import { pathsFor } from './paths.js'
import type { LabelledSamples, PoisonGoal } from './types.js'

/** So many of so many. */
export interface Tally {
  readonly successes: number
  readonly trials: number
}

export interface MeasureRequest {
  /** The class that the trained model gives each sample. @param x - (N, ...shape) */
  readonly predict: (x: Float32Array) => Promise<ArrayLike<number>>
  readonly test: LabelledSamples
  /** Null: every class but the target's. */
  readonly source: number | null
  readonly target: number
  readonly goal: PoisonGoal
  readonly trigger: Trigger | null
  readonly victims: readonly number[]
}

export interface Measured {
  /** Test samples classified as their label says. */
  readonly cleanAccuracy: Tally
  /** Attacked test samples that reach the goal. */
  readonly attackSuccess: Tally
  /** Of the same, those classified as their label says. */
  readonly attackedAccuracy: Tally
}

/**
 * What a trained model does with the test data: as they are, and attacked. What is attacked depends on the goal
 * (`PoisonGoal`); samples of the target class never are, but for availability, which has no target.
 */
export async function measure(request: MeasureRequest): Promise<Measured> {
  const { predict, test, trigger } = request
  const clean = await predict(test.x)
  const attacked = attackedSamples(request)
  const predicted = trigger
    ? await predict(await gathered(request, attacked, trigger))
    : attacked.map((i) => clean[i]!)
  return {
    cleanAccuracy: tally(test.labels, (label, i) => clean[i] === label),
    attackSuccess: tally(attacked, (i, n) => isReached(request, i, predicted[n]!)),
    attackedAccuracy: tally(attacked, (i, n) => predicted[n] === test.labels[i]),
  }
}

/** The most samples that are sent along each path. */
const mostOnPaths = 1000

/**
 * Success of a backdoor after what images go through on their way, by path (`imagePaths`); nothing for other goals and
 * for tables. Of large test sets, the first 1000 attacked samples.
 */
export async function measurePaths(request: MeasureRequest): Promise<Record<string, Tally>> {
  const { predict, test, trigger } = request
  if (!trigger) return {}
  const attacked = attackedSamples(request).slice(0, mostOnPaths)
  const counted: Record<string, Tally> = {}
  for (const [name, path] of Object.entries(pathsFor(test))) {
    const x = await gathered(request, attacked, async (sample, i) => path(trigger(sample, i)))
    const predicted = await predict(x)
    counted[name] = tally(attacked, (i, n) => isReached(request, i, predicted[n]!))
  }
  return counted
}

/** Indices of the test samples that are attacked, ascending. */
function attackedSamples({ test, source, target, goal, victims }: MeasureRequest): number[] {
  const all = Array.from(test.labels, (_, i) => i)
  switch (goal) {
    case 'availability':
      return all
    case 'targeted':
      return victims.toSorted((a, b) => a - b)
    case 'backdoor':
    case 'misclassification':
      return all.filter((i) =>
        source === null ? test.labels[i] !== target : test.labels[i] === source,
      )
  }
}

const isReached = (
  { test, target, goal }: MeasureRequest,
  index: number,
  predicted: number,
): boolean => (goal === 'availability' ? predicted !== test.labels[index] : predicted === target)

async function gathered(
  { test }: MeasureRequest,
  indices: readonly number[],
  change: (x: Float32Array, index: number) => Float32Array | Promise<Float32Array>,
): Promise<Float32Array> {
  const size = test.x.length / test.count
  const out = new Float32Array(indices.length * size)
  for (const [k, i] of indices.entries())
    out.set(await change(test.x.slice(i * size, (i + 1) * size), i), k * size)
  return out
}

function tally<T>(items: Iterable<T>, isSuccess: (item: T, k: number) => boolean): Tally {
  let successes = 0
  let trials = 0
  for (const item of items) if (isSuccess(item, trials++)) successes++
  return { successes, trials }
}
