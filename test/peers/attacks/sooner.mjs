/** How little of a budget our attack needs to be as close as a peer. */
import { medianNorm } from './compare.mjs'

/**
 * Lowers the budget by a sixth each time, as long as the median norm, over the same seeds, is at most the peer's.
 * @param run - side of ours for a budget
 * @returns null where five sixths of it do not do
 */
export async function soonest(peer, full, run) {
  const wanted = medianNorm(peer)
  let found = null
  for (let amount = full; amount > 20;) {
    amount = Math.round((5 * amount) / 6)
    const side = await run(amount)
    if (!(medianNorm(side) <= wanted)) break
    found = { side, amount }
  }
  return found
}
