/** How little of a budget our attack needs to be as close as a peer. */
import { medianNorm } from './compare.mjs'

/**
 * Halves the budget in two steps each time, as long as the median norm, over the same seeds, is at most the peer's.
 * @param run - side of ours for a budget
 * @returns null where half of it, or nearly, does not do
 */
export async function soonest(peer, full, run) {
  const wanted = medianNorm(peer)
  let found = null
  for (let amount = full; amount > 20;) {
    amount = Math.round(amount / Math.SQRT2)
    const side = await run(amount)
    if (!(medianNorm(side) <= wanted)) break
    found = { side, amount }
  }
  return found
}
