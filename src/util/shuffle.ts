import type { Rng } from './rng.js'

/** What can be put in another order. */
type Mutable = number[] | Int32Array | Uint32Array

/** Puts the values in random order, in place, and returns them. Source: Durstenfeld 1964, algorithm 235 (Fisher–Yates). */
export function shuffle<Values extends Mutable>(values: Values, rng: Pick<Rng, 'below'>): Values {
  for (let i = values.length - 1; i > 0; i--) swap(values, i, rng.below(i + 1))
  return values
}

/** `size` of the values, or all if there are fewer, without repetition, ascending. */
export function drawAscending(
  values: readonly number[],
  size: number,
  rng: Pick<Rng, 'below'>,
): number[] {
  const pool = [...values]
  const taken = Math.min(size, pool.length)
  for (let i = 0; i < taken; i++) swap(pool, i, i + rng.below(pool.length - i))
  return pool.slice(0, taken).sort((a, b) => a - b)
}

/** 0 to count − 1. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

function swap(values: Mutable, i: number, j: number): void {
  const kept = values[i]!
  values[i] = values[j]!
  values[j] = kept
}
