import { forValues, isInside, placeAtRandom, Saved, sizeOf, type Size } from './grid.js'
import type { Squares } from './square-linf.js'

/**
 * A grid of bumps of random signs, then windows into which a bump is put, and others that give up their share of epsilon
 * for it.
 * Source: Andriushchenko et al. 2020, arXiv:1912.00049, section 3.4 and algorithm 3.
 */
export const l2Squares: Squares = {
  start(grid, { epsilon }, { clean, point, rng }) {
    const [down, across] = [tiling(grid.height), tiling(grid.width)]
    const delta = new Float64Array(point.length)
    for (let row = 0; row < down.count; row++)
      for (let column = 0; column < across.count; column++) {
        const window = {
          top: down.first + row * down.length,
          left: across.first + column * across.length,
          height: down.length,
          width: across.length,
        }
        const bump = bumpOf(window, rng.uniform() < 0.5)
        for (let channel = 0; channel < grid.channels; channel++) {
          const sign = rng.uniform() < 0.5 ? -1 : 1
          forValues(grid, channel, window, (i, at) => (delta[i] = sign * bump[at]!))
        }
      }
    const scale = reachable(epsilon) / Math.sqrt(delta.reduce((sum, d) => sum + d * d, 0))
    for (let i = 0; i < point.length; i++) point[i] = clean[i]! + scale * delta[i]!
  },

  propose(grid, { epsilon }, { clean, point, rng }, share) {
    const size = sizeOf(grid, share, 3)
    // Odd where there is room, so that a bump has a middle.
    const shape = {
      height: Math.min(size.height | 1, grid.height),
      width: Math.min(size.width | 1, grid.width),
    }
    const [into, giver] = [placeAtRandom(grid, shape, rng), placeAtRandom(grid, shape, rng)]
    const saved = new Saved(grid, [into, giver], point)
    const bump = bumpOf(shape, rng.uniform() < 0.5)
    const mixed = new Float64Array(bump.length)
    let used = 0
    for (let i = 0; i < point.length; i++) used += (point[i]! - clean[i]!) ** 2
    const unused = Math.max(0, reachable(epsilon) ** 2 - used) / grid.channels
    for (let channel = 0; channel < grid.channels; channel++) {
      const sign = rng.uniform() < 0.5 ? -1 : 1
      let [own, given, length] = [0, 0, 0]
      forValues(grid, channel, into, (i) => (own += (point[i]! - clean[i]!) ** 2))
      // What the windows share counts as the first one's.
      forValues(grid, channel, giver, (i) => {
        if (!isInside(grid, into, i)) given += (point[i]! - clean[i]!) ** 2
      })
      const weight = own > 0 ? 1 / Math.sqrt(own) : 0
      forValues(grid, channel, into, (i, at) => {
        mixed[at] = sign * bump[at]! + weight * (point[i]! - clean[i]!)
        length += mixed[at]! ** 2
      })
      const scale = length > 0 ? Math.sqrt((own + given + unused) / length) : 0
      forValues(grid, channel, giver, (i) => (point[i] = clean[i]!))
      forValues(grid, channel, into, (i, at) => (point[i] = clean[i]! + scale * mixed[at]!))
    }
    return saved
  },
}

/** A little less than epsilon: what is rounded beyond it would have to be projected back, outside the windows too. */
const reachable = (epsilon: number): number => epsilon * (1 - 1e-6)

/** Five tiles along an axis, in its middle; fewer where it is shorter. */
function tiling(axis: number): { length: number; count: number; first: number } {
  const length = Math.max(1, Math.floor(axis / 5))
  const count = Math.min(5, axis)
  return { length, count, first: (axis - length * count) >> 1 }
}

/**
 * η of length 1: two halves of opposite signs, beside or above each other, each highest in its middle.
 * Source: eq. 2.
 */
function bumpOf({ height, width }: Size, isAbove: boolean): Float64Array {
  const bump = new Float64Array(height * width)
  const splitsRows = width < 2 || (isAbove && height > 1)
  const half = splitsRows ? height >> 1 : width >> 1
  let square = 0
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const isFirst = (splitsRows ? row : column) < half
      const from = isFirst ? 0 : half
      const length = isFirst ? half : (splitsRows ? height : width) - half
      const value = splitsRows
        ? heightAt(row - from, column, length, width)
        : heightAt(row, column - from, height, length)
      bump[row * width + column] = isFirst ? value : -value
      square += value * value
    }
  return bump.map((value) => value / Math.sqrt(square))
}

/** Σ over k ≤ M of 1/(n + 1 − k)², M = n − the distance to the middle. */
function heightAt(row: number, column: number, height: number, width: number): number {
  const [middleRow, middleColumn] = [height >> 1, width >> 1]
  const n = Math.max(middleRow, middleColumn)
  const rings = n - Math.max(Math.abs(row - middleRow), Math.abs(column - middleColumn))
  let sum = 0
  for (let k = 0; k <= rings; k++) sum += 1 / (n + 1 - k) ** 2
  return sum
}
