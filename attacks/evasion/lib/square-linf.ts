import type { AttackContext, Sample } from '../../../src/plugin.js'
import { placeAtRandom, rowAt, sizeOf, type Grid, type Saved, type Window } from './grid.js'

/** Where the Square attack begins, and what it tries next, in one norm. */
export interface Squares {
  start(sample: Sample): void
  /** Changes the point, where `saved` remembers it. */
  propose(sample: Sample, share: number, saved: Saved): void
  /** The change stays. */
  accept(sample: Sample): void
}

/** What of the context decides how far values go. */
type Room = Pick<AttackContext, 'threat' | 'scale'>

/**
 * Vertical stripes of ±ε, then squares in which each channel is at +ε or at −ε.
 * Source: Andriushchenko et al. 2020, arXiv:1912.00049, section 3.3 and algorithm 2.
 */
export function linfSquares(grid: Grid, room: Room): Squares {
  return {
    start({ clean, point, rng }) {
      const { channels, height, width } = grid
      const { epsilon } = room.threat
      for (let channel = 0; channel < channels; channel++)
        for (let column = 0; column < width; column++) {
          const move = rng.uniform() < 0.5 ? -epsilon : epsilon
          const first = channel * height * width + column
          for (let i = first; i < first + height * width; i += width)
            point[i] = clean[i]! + move * room.scale[i]!
        }
    },

    propose(sample, share, saved) {
      const window = placeAtRandom(grid, sizeOf(grid, share), sample.rng)
      saved.take([window], sample.point)
      // Signs that are there already would waste a query; where epsilon or the bounds leave no room, all are the same.
      for (let tries = 0; tries < 16; tries++) if (fill(grid, room, sample, window)) break
    },

    accept() {},
  }
}

/** @returns whether anything changed that is more than rounding */
function fill(
  grid: Grid,
  { threat, scale }: Room,
  { clean, point, rng }: Sample,
  window: Window,
): boolean {
  const { epsilon, bounds } = threat
  const [low, high] = bounds
  let most = 0
  for (let channel = 0; channel < grid.channels; channel++) {
    const move = rng.uniform() < 0.5 ? -epsilon : epsilon
    for (let row = 0; row < window.height; row++) {
      const from = rowAt(grid, channel, window, row)
      for (let i = from; i < from + window.width; i++) {
        const next = Math.min(Math.max(clean[i]! + move * scale[i]!, low), high)
        most = Math.max(most, Math.abs(next - point[i]!))
        point[i] = next
      }
    }
  }
  return most > epsilon / 1000
}
