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

/** Index of the first value of a row of one channel's window. Loops over windows are written out: they are short and many. */
export function rowAt(
  { height, width }: Grid,
  channel: number,
  window: Window,
  row: number,
): number {
  return (channel * height + window.top + row) * width + window.left
}

/** Calls `visit` with each value's index, and its place in the window. */
export function forValues(
  grid: Grid,
  channel: number,
  window: Window,
  visit: (i: number, at: number) => void,
): void {
  let at = 0
  for (let row = 0; row < window.height; row++) {
    const from = rowAt(grid, channel, window, row)
    for (let i = from; i < from + window.width; i++) visit(i, at++)
  }
}

/** Whether a place of the picture lies in the window. */
export function isInside(
  { top, left, height, width }: Window,
  row: number,
  column: number,
): boolean {
  return row >= top && row < top + height && column >= left && column < left + width
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
  #windows: readonly Window[] = []
  #values = new Float32Array(0)

  constructor(grid: Grid) {
    this.#grid = grid
  }

  take(windows: readonly Window[], point: Float32Array): void {
    const { channels } = this.#grid
    const count = windows.reduce((sum, { height, width }) => sum + channels * height * width, 0)
    if (count > this.#values.length) this.#values = new Float32Array(count)
    this.#windows = windows
    this.#copy(point, true)
  }

  restore(point: Float32Array): void {
    this.#copy(point, false)
  }

  #copy(point: Float32Array, isOut: boolean): void {
    const [grid, values] = [this.#grid, this.#values]
    let at = 0
    for (const window of this.#windows)
      for (let channel = 0; channel < grid.channels; channel++)
        for (let row = 0; row < window.height; row++) {
          const from = rowAt(grid, channel, window, row)
          if (isOut) for (let i = from; i < from + window.width; i++) values[at++] = point[i]!
          else for (let i = from; i < from + window.width; i++) point[i] = values[at++]!
        }
  }
}
