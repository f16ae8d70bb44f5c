import type { Sample } from '../../../src/plugin.js'
import { marginOf } from './margin.js'

/** What attacks on scores ascend. */
export const objectiveNames = ['margin', 'ce'] as const

export type ObjectiveName = (typeof objectiveNames)[number]

/**
 * Of the scores that were read last: it rises as the true class is left, or as the target of a targeted goal is reached.
 * `ce`: −log p_y, targeted log p_t. NaN where a score is.
 */
export function objectiveOf(name: ObjectiveName, sample: Sample): number {
  if (name === 'margin') return marginOf(sample)
  const { scores, label, target } = sample
  const [own, sign] = target < 0 ? [label, 1] : [target, -1]
  let most = -Infinity
  for (let k = 0; k < scores.length; k++) most = Math.max(most, scores[k]!)
  let sum = 0
  for (const score of scores) sum += Math.exp(score - most)
  return sign * (Math.log(sum) + most - scores[own]!)
}
