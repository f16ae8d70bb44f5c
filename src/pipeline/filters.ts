import { createRng } from '../util/rng.js'
import { drawAscending, range } from '../util/shuffle.js'

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
  const size = most > 0 ? most : poisons.length
  return [
    ...detectors,
    {
      name: 'random',
      removed: drawAscending(range(count), size, createRng('trial random filter', seed)),
    },
    { name: 'oracle', removed: poisons },
  ]
}
