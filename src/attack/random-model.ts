import type { ModelHandle } from '../model/handle.js'
import type { AttackJob } from './job.js'

/**
 * Scores of `n` samples, the mean of `eot` passes: what a model with random layers does on average. Of a model that is not
 * random this is one pass.
 * Source: Athalye et al. 2018, arXiv:1707.07397, expectation over transformation.
 */
export async function averageScores(
  { batch, eot = 1 }: Pick<AttackJob, 'batch' | 'eot'>,
  model: ModelHandle,
  x: Float32Array,
  n: number,
): Promise<Float32Array> {
  const scores = await model.scores(x, n, batch)
  for (let pass = 1; pass < eot; pass++) add(scores, await model.scores(x, n, batch))
  if (eot > 1) scale(scores, 1 / eot)
  return scores
}

/** to += from */
export function add(to: Float32Array, from: Float32Array): void {
  for (let i = 0; i < to.length; i++) to[i]! += from[i]!
}

export function scale(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i]! *= factor
}
