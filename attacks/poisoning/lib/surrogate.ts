import type { LabelledSamples, PoisonContext, Surrogate } from '../../../src/plugin.js'
import { draw, gather } from './samples.js'

/** Position of the greatest of `classes` scores of each sample. */
function predictions(scores: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: scores.length / classes }, (_, n) => {
    let best = 0
    for (let k = 1; k < classes; k++)
      if (scores[n * classes + k]! > scores[n * classes + best]!) best = k
    return best
  })
}

export const victimChoices = ['random', 'nearest'] as const

/**
 * A test sample that shall be taken for the target class: one that the surrogate gets right, of the source class or, with
 * none, of any but the target's. `nearest`: the one that has the least to go.
 */
export async function chooseVictim(
  { test, source, target, rng }: PoisonContext,
  surrogate: Surrogate,
  choice: (typeof victimChoices)[number],
): Promise<number> {
  const all: number[] = []
  test.labels.forEach((label, i) => {
    if (source === null ? label !== target : label === source) all.push(i)
  })
  const scores = await surrogate.scores(gather(test, all))
  const predicted = predictions(scores, test.classes)
  const gap = (n: number): number =>
    scores[n * test.classes + predicted[n]!]! - scores[n * test.classes + target]!
  const places = all.map((_, n) => n)
  const right = places.filter((n) => predicted[n] === test.labels[all[n]!])
  const candidates = right.length > 0 ? right : places
  if (candidates.length === 0)
    throw new Error('no test sample of the source class: the host lets no such poison start')
  const chosen =
    choice === 'nearest'
      ? candidates.reduce((best, n) => (gap(n) < gap(best) ? n : best))
      : draw(candidates, 1, rng.fork('victim'))[0]!
  return all[chosen]!
}

/**
 * The candidates that move the last layer most. Of a sample with residual r = softmax(z) − e_y and features f, its
 * gradient is r ⊗ (f, 1), and the norm of that ‖r‖·‖(f, 1)‖.
 * Source: Souri et al. 2022, arXiv:2106.08970, section 3.4, which takes the norm over all parameters.
 */
export async function mostMoving(
  surrogate: Surrogate,
  train: LabelledSamples,
  candidates: ArrayLike<number>,
  count: number,
): Promise<number[]> {
  const indices = Array.from(candidates)
  const x = gather(train, indices)
  const [scores, features] = [await surrogate.scores(x), await surrogate.features(x)]
  const width = surrogate.featureWidth
  const moves = indices.map((index, n) => {
    const z = scores.subarray(n * train.classes, (n + 1) * train.classes)
    const f = features.subarray(n * width, (n + 1) * width)
    const r = softmax(z).map((share, k) => share - Number(k === train.labels[index]))
    return squares(r) * (1 + squares(f))
  })
  return indices
    .map((_, n) => n)
    .sort((a, b) => moves[b]! - moves[a]! || a - b)
    .slice(0, count)
    .map((n) => indices[n]!)
    .sort((a, b) => a - b)
}

function softmax(z: Float32Array): Float64Array {
  const most = z.reduce((a, b) => Math.max(a, b))
  const shares = Float64Array.from(z, (value) => Math.exp(value - most))
  const total = shares.reduce((a, b) => a + b)
  return shares.map((share) => share / total)
}

const squares = (values: Float32Array | Float64Array): number => {
  let sum = 0
  for (const value of values) sum += value * value
  return sum
}
