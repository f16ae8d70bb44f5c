import { kernels } from '../../../src/plugin.js'
import {
  isInside,
  placeAtRandom,
  rowAt,
  sizeOf,
  type Grid,
  type Size,
  type Window,
} from './grid.js'
import type { Squares } from './square-linf.js'

/**
 * A grid of bumps of random signs, then windows into which a bump is put, and others that give up their share of epsilon
 * for it.
 * Source: Andriushchenko et al. 2020, arXiv:1912.00049, section 3.4 and algorithm 3.
 */
export function l2Squares(grid: Grid, epsilon: number): Squares {
  // A little less: what is rounded beyond it would have to be projected back, outside the windows too.
  const reachable = epsilon * (1 - 1e-6)
  const bumpOf = bumps()
  const area = grid.height * grid.width
  /** What the bump's window will hold, and what it and the giver hold now, as δ. */
  const mixed = new Float64Array(area)
  const [own, given] = [new Float64Array(area), new Float64Array(area)]
  /** Σ δ² of each sample, as long as its point is the one that was accepted last. */
  const used = new Map<number, number>()
  return {
    start({ clean, point, rng }) {
      const [down, across] = [tiling(grid.height), tiling(grid.width)]
      point.set(clean)
      // Bumps have length 1, and no value in common.
      const scale = reachable / Math.sqrt(down.count * across.count * grid.channels)
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
            const signed = rng.uniform() < 0.5 ? -scale : scale
            write(grid, channel, window, { clean, values: bump, scale: signed, point })
          }
        }
    },

    propose({ id, clean, point, rng }, share, saved) {
      const size = sizeOf(grid, share, 3)
      // Odd where there is room, so that a bump has a middle.
      const shape = {
        height: Math.min(size.height | 1, grid.height),
        width: Math.min(size.width | 1, grid.width),
      }
      const [into, giver] = [placeAtRandom(grid, shape, rng), placeAtRandom(grid, shape, rng)]
      saved.take([into, giver], point)
      const bump = bumpOf(shape, rng.uniform() < 0.5)
      if (!used.has(id)) used.set(id, kernels.distanceL2(point, clean) ** 2)
      const unused = Math.max(0, reachable ** 2 - used.get(id)!) / grid.channels
      for (let channel = 0; channel < grid.channels; channel++) {
        const sign = rng.uniform() < 0.5 ? -1 : 1
        const held = read(grid, channel, into, { clean, point, delta: own })
        read(grid, channel, giver, { clean, point, delta: given })
        const weight = held > 0 ? 1 / Math.sqrt(held) : 0
        let length = 0
        for (let at = 0; at < bump.length; at++) {
          const value = sign * bump[at]! + weight * own[at]!
          mixed[at] = value
          length += value * value
        }
        const free = held + outside(into, giver, given) + unused
        const scale = length > 0 ? Math.sqrt(free / length) : 0
        write(grid, channel, giver, { clean, values: mixed, scale: 0, point })
        write(grid, channel, into, { clean, values: mixed, scale, point })
      }
    },

    accept({ id }) {
      used.delete(id)
    },
  }
}

interface Deltas {
  readonly clean: Float32Array
  readonly point: Float32Array
  readonly delta: Float64Array
}

/** δ of a channel's window, row by row. @returns Σ δ² */
function read(
  grid: Grid,
  channel: number,
  window: Window,
  { clean, point, delta }: Deltas,
): number {
  let [at, square] = [0, 0]
  for (let row = 0; row < window.height; row++) {
    const from = rowAt(grid, channel, window, row)
    for (let i = from; i < from + window.width; i++) {
      const d = point[i]! - clean[i]!
      delta[at++] = d
      square += d * d
    }
  }
  return square
}

/** Σ δ² of the giver's window where the other one is not: what they share counts as that one's. */
function outside(into: Window, giver: Window, given: Float64Array): number {
  let square = 0
  for (let row = 0; row < giver.height; row++)
    for (let column = 0; column < giver.width; column++)
      if (!isInside(into, giver.top + row, giver.left + column))
        square += given[row * giver.width + column]! ** 2
  return square
}

/** clean + scale·values into a channel's window. */
function write(
  grid: Grid,
  channel: number,
  window: Window,
  {
    clean,
    values,
    scale,
    point,
  }: { clean: Float32Array; values: Float64Array; scale: number; point: Float32Array },
): void {
  let at = 0
  for (let row = 0; row < window.height; row++) {
    const from = rowAt(grid, channel, window, row)
    for (let i = from; i < from + window.width; i++) point[i] = clean[i]! + scale * values[at++]!
  }
}

/** Five tiles along an axis, in its middle; fewer where it is shorter. */
function tiling(axis: number): { length: number; count: number; first: number } {
  const length = Math.max(1, Math.floor(axis / 5))
  const count = Math.min(5, axis)
  return { length, count, first: (axis - length * count) >> 1 }
}

/** Remembers the bumps that were made: an attack has windows of a dozen sizes. */
function bumps(): typeof bumpOf {
  const made = new Map<number, Float64Array>()
  return (size, isAbove) => {
    const key = (size.height * 65_536 + size.width) * 2 + Number(isAbove)
    let bump = made.get(key)
    if (!bump) made.set(key, (bump = bumpOf(size, isAbove)))
    return bump
  }
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
