import type { LabelledSamples, PoisonContext, Surrogate } from '../../../src/plugin.js'
import { draw, gather } from './samples.js'

/** Position of the greatest of `classes` scores of each sample. */
export function predictions(scores: Float32Array, classes: number): Int32Array {
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
 * The candidates whose loss moves the last layer most: ‖softmax(z) − e_y‖·‖(features, 1)‖, which is the norm of its
 * gradient.
 * Source: Souri et al. 2022, arXiv:2106.08970, section 3.4, which takes the gradient by all parameters.
 */
export async function mostMoving(
  train: LabelledSamples,
  candidates: readonly number[],
  count: number,
  surrogate: Surrogate,
): Promise<number[]> {
  const x = gather(train, candidates)
  const [scores, features] = [await surrogate.scores(x), await surrogate.features(x)]
  const { classes } = train
  const moves = candidates.map((index, n) => {
    const z = scores.subarray(n * classes, (n + 1) * classes)
    const f = features.subarray(n * surrogate.featureWidth, (n + 1) * surrogate.featureWidth)
    const most = z.reduce((a, b) => Math.max(a, b))
    const total = z.reduce((sum, value) => sum + Math.exp(value - most), 0)
    const off = z.reduce((sum, value, k) => {
      const p = Math.exp(value - most) / total
      return sum + (p - Number(k === train.labels[index])) ** 2
    }, 0)
    return Math.sqrt(off * (1 + f.reduce((sum, value) => sum + value * value, 0)))
  })
  const order = candidates.map((_, n) => n).sort((a, b) => moves[b]! - moves[a]! || a - b)
  return order
    .slice(0, count)
    .map((n) => candidates[n]!)
    .sort((a, b) => a - b)
}
