import type { Rng } from '../../../src/plugin.js'
import type { Grid } from '../../evasion/lib/grid.js'

/** How far each pixel's value is taken from, in pixels: (height · width) each. */
export interface Field {
  readonly down: Float32Array
  readonly right: Float32Array
}

/**
 * A smooth random field: `knots`² directions uniform in [−1, 1], scaled to a mean size of 1, brought to the size of the
 * image by cubic interpolation, times `strength` pixels.
 * Source: Nguyen & Tran 2021, arXiv:2102.10369, section 3.3, eqs. 4 to 6.
 */
export function smoothField(grid: Grid, knots: number, strength: number, rng: Rng): Field {
  const axis = (): Float32Array => {
    const field = new Float32Array(knots * knots)
    rng.fillUniform(field, -1, 1)
    return field
  }
  const [down, right] = [axis(), axis()]
  const mean = [...down, ...right].reduce((sum, v) => sum + Math.abs(v), 0) / (2 * knots * knots)
  const enlarge = (field: Float32Array): Float32Array =>
    enlarged(field, knots, grid).map((value) => (strength * value) / mean)
  return { down: enlarge(down), right: enlarge(right) }
}

/** From (knots, knots) to the image's size; corners fall on corners. */
function enlarged(field: Float32Array, knots: number, { height, width }: Grid): Float32Array {
  const out = new Float32Array(height * width)
  const at = (row: number, column: number): number => {
    const edge = (i: number): number => Math.min(Math.max(i, 0), knots - 1)
    return field[edge(row) * knots + edge(column)]!
  }
  const scale = (length: number): number => (length > 1 ? (knots - 1) / (length - 1) : 0)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [v, u] = [y * scale(height), x * scale(width)]
      const [top, left] = [Math.floor(v), Math.floor(u)]
      let sum = 0
      for (let i = -1; i <= 2; i++)
        for (let j = -1; j <= 2; j++)
          sum += cubic(v - top - i) * cubic(u - left - j) * at(top + i, left + j)
      out[y * width + x] = sum
    }
  return out
}

/** Keys' cubic kernel with a = −0.75, as PyTorch's `bicubic`. */
function cubic(distance: number): number {
  const d = Math.abs(distance)
  const a = -0.75
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0
}

/** The image with every pixel taken from where the field says, bilinear; beyond the edge the edge goes on. */
export function displaced(x: Float32Array, grid: Grid, { down, right }: Field): Float32Array {
  const { channels, height, width } = grid
  const out = new Float32Array(x.length)
  const pixels = height * width
  for (let p = 0; p < pixels; p++) {
    const row = Math.min(Math.max(Math.floor(p / width) + down[p]!, 0), height - 1)
    const column = Math.min(Math.max((p % width) + right[p]!, 0), width - 1)
    const [top, left] = [Math.floor(row), Math.floor(column)]
    const [bottom, side] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)]
    const [v, u] = [row - top, column - left]
    for (let c = 0; c < channels; c++) {
      const at = (r: number, k: number): number => x[c * pixels + r * width + k]!
      out[c * pixels + p] =
        (1 - v) * ((1 - u) * at(top, left) + u * at(top, side)) +
        v * ((1 - u) * at(bottom, left) + u * at(bottom, side))
    }
  }
  return out
}
