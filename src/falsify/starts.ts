import type { Box } from '../property/box.js'
import type { Rng } from '../util/rng.js'

/** Where a search may start. */
export type StartKind = 'centre' | 'lower' | 'upper' | 'corner' | 'uniform'

/** A point of a box, written into `out`. */
export function writeStart(
  kind: StartKind,
  { lower, upper }: Box,
  rng: Rng,
  out: Float32Array,
): void {
  switch (kind) {
    case 'lower':
      out.set(lower)
      return
    case 'upper':
      out.set(upper)
      return
    case 'centre':
      lower.forEach((low, i) => (out[i] = between(low, upper[i]!, 0.5)))
      return
    case 'corner':
      lower.forEach((low, i) => (out[i] = rng.uniform() < 0.5 ? low : upper[i]!))
      return
    case 'uniform':
      lower.forEach((low, i) => (out[i] = between(low, upper[i]!, rng.uniform())))
      return
  }
}

/** In double precision and back: the rounded sum could leave the box. */
export const between = (low: number, high: number, share: number): number =>
  clip(Math.fround(low + (high - low) * share), low, high)

export const clip = (value: number, low: number, high: number): number =>
  value < low ? low : value > high ? high : value
