import type { Rng } from '../../../src/plugin.js'

/** How attacks that think in pictures see a sample: (channels, height, width), C order. */
export interface Grid {
  readonly channels: number
  readonly height: number
  readonly width: number
}

export type Size = Pick<Grid, 'height' | 'width'>

/** A rectangle of a grid. */
export interface Window extends Size {
  readonly top: number
  readonly left: number
}

/** The last two axes are the picture, what stands before them its channels; a row of features is a picture one value high. */
export function gridOf(shape: readonly number[]): Grid {
  const [height = 1, width = 1] = shape.length < 2 ? [1, ...shape] : shape.slice(-2)
  const channels = shape.slice(0, -2).reduce((product, axis) => product * axis, 1)
  return { channels, height, width }
}

/** Calls `visit` with the first index and the number of values of each row of one channel's window. */
export function forRows(
  { height, width }: Grid,
  channel: number,
  window: Window,
  visit: (from: number, count: number) => void,
): void {
  const first = (channel * height + window.top) * width + window.left
  for (let row = 0; row < window.height; row++) visit(first + row * width, window.width)
}

/** As `forRows`, value by value: its index, and its place in the window. */
export function forValues(
  grid: Grid,
  channel: number,
  window: Window,
  visit: (i: number, at: number) => void,
): void {
  let at = 0
  forRows(grid, channel, window, (from, count) => {
    for (let i = from; i < from + count; i++) visit(i, at++)
  })
}

/** Whether value `i` of a sample lies in the window, in whatever channel. */
export function isInside({ height, width }: Grid, window: Window, i: number): boolean {
  const row = (Math.floor(i / width) % height) - window.top
  const column = (i % width) - window.left
  return row >= 0 && row < window.height && column >= 0 && column < window.width
}

/** A rectangle that covers `share` of the picture: a square where one of that side fits. */
export function sizeOf({ height, width }: Grid, share: number, least = 1): Size {
  const area = share * height * width
  const side = Math.max(least, Math.round(Math.sqrt(area)))
  const length = (own: number, other: number): number =>
    Math.min(own, side <= other ? side : Math.max(least, Math.round(area / other)))
  return { height: length(height, width), width: length(width, height) }
}

/** A window of this size, anywhere in the picture. */
export function placeAtRandom(grid: Grid, { height, width }: Size, rng: Rng): Window {
  const [top, left] = [rng.below(grid.height - height + 1), rng.below(grid.width - width + 1)]
  return { top, left, height, width }
}

/** What a point holds in some windows, to be put back if a change there is of no use. */
export class Saved {
  readonly #grid: Grid
  readonly #windows: readonly Window[]
  readonly #values: Float32Array

  constructor(grid: Grid, windows: readonly Window[], point: Float32Array) {
    this.#grid = grid
    this.#windows = windows
    const count = windows.reduce((sum, { height, width }) => sum + height * width, 0)
    this.#values = new Float32Array(grid.channels * count)
    this.#forRuns((at, from, length) => this.#values.set(point.subarray(from, from + length), at))
  }

  restore(point: Float32Array): void {
    this.#forRuns((at, from, length) => point.set(this.#values.subarray(at, at + length), from))
  }

  #forRuns(visit: (at: number, from: number, length: number) => void): void {
    let at = 0
    for (const window of this.#windows)
      for (let channel = 0; channel < this.#grid.channels; channel++)
        forRows(this.#grid, channel, window, (from, length) => {
          visit(at, from, length)
          at += length
        })
  }
}
