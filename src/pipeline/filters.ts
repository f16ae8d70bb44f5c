import { createRng } from '../util/rng.js'

/** What a filter takes out of a training set. */
export interface Filter {
  /** Id of a detector, `random` or `oracle`. */
  readonly name: string
  /** Indices, ascending. */
  readonly removed: readonly number[]
}

export interface FiltersRequest {
  /** By detector, those that apply. */
  readonly suspects: ReadonlyMap<string, Int32Array>
  /** Indices of the poisoned samples. */
  readonly poisons: readonly number[]
  readonly count: number
  readonly seed: number
}

/**
 * The detectors' filters with their two controls: `oracle` takes out exactly what is poisoned, `random` as many samples as
 * the detector that takes out most (without one that takes out any, as many as are poisoned).
 */
export function filtersOf({ suspects, poisons, count, seed }: FiltersRequest): Filter[] {
  const detectors = [...suspects].map(([name, found]) => ({ name, removed: Array.from(found) }))
  const most = Math.max(0, ...detectors.map(({ removed }) => removed.length))
  return [
    ...detectors,
    { name: 'random', removed: draw(count, most > 0 ? most : poisons.length, seed) },
    { name: 'oracle', removed: poisons },
  ]
}

/** @returns `size` different numbers below `count`, ascending */
function draw(count: number, size: number, seed: number): number[] {
  const rng = createRng('trial random filter', seed)
  const order = Array.from({ length: count }, (_, i) => i)
  const taken = Math.min(size, count)
  for (let i = 0; i < taken; i++) {
    const j = i + rng.below(count - i)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order.slice(0, taken).sort((a, b) => a - b)
}
