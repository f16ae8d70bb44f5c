import type { Sample } from '../../../src/plugin.js'

/** The loss `margin` by the sample's scores: above 0 where the goal is reached. */
export function marginOf({ scores, label, target }: Sample): number {
  const own = target < 0 ? label : target
  let rival = -Infinity
  for (let k = 0; k < scores.length; k++) if (k !== own && scores[k]! > rival) rival = scores[k]!
  return target < 0 ? rival - scores[own]! : scores[own]! - rival
}
