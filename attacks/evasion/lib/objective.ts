import type { Sample } from '../../../src/plugin.js'

/** What attacks on scores ascend. */
export const objectiveNames = ['margin', 'ce'] as const

export type ObjectiveName = (typeof objectiveNames)[number]

/**
 * Of the scores that were read last: it rises as the true class is left, or as the target of a targeted goal is reached.
 * `margin`: max over k ≠ y of z_k − z_y, targeted z_t − max over k ≠ t of z_k; `ce`: −log p_y, targeted log p_t.
 */
export function objectiveOf(name: ObjectiveName, sample: Sample): number {
  const { scores, label, target } = sample
  const own = target < 0 ? label : target
  const sign = target < 0 ? 1 : -1
  let rival = -Infinity
  for (let k = 0; k < scores.length; k++) if (k !== own) rival = Math.max(rival, scores[k]!)
  if (name === 'margin') return sign * (rival - scores[own]!)
  const most = Math.max(rival, scores[own]!)
  let sum = 0
  for (const score of scores) sum += Math.exp(score - most)
  return sign * (Math.log(sum) + most - scores[own]!)
}
