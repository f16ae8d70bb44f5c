import type { Rng } from '../../util/rng.js'

/** The values in random order: Fisher-Yates. */
export function shuffled(values: readonly number[], rng: Rng): number[] {
  const order = [...values]
  for (let i = order.length - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    const kept = order[i]!
    order[i] = order[j]!
    order[j] = kept
  }
  return order
}
