import type { Sample } from '../../../src/plugin.js'

/**
 * The loss `margin` by the sample's scores: max over k ≠ y of z_k − z_y, targeted z_t − max over k ≠ t of z_k. Above 0 where
 * the goal is reached; NaN where a score is: such a point is an example of nothing.
 */
export function marginOf({ scores, label, target }: Sample): number {
  const own = target < 0 ? label : target
  let rival = -Infinity
  for (let k = 0; k < scores.length; k++) if (k !== own) rival = Math.max(rival, scores[k]!)
  return target < 0 ? rival - scores[own]! : scores[own]! - rival
}
