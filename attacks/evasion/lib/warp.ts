import type { Grid } from './grid.js'

export interface Motion {
  /** Anticlockwise, in radians. */
  readonly angle: number
  /** In values, down and to the right. */
  readonly down: number
  readonly right: number
}

/**
 * Turns a picture around its middle, then moves it, into `out`; between values it is bilinear, and what comes from beyond
 * the edge is `fill`. No motion gives the same bytes.
 */
export function warp(
  picture: Float32Array,
  { channels, height, width }: Grid,
  { angle, down, right }: Motion,
  fill: number,
  out: Float32Array,
): void {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)]
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2]
  const pixels = height * width
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      // Where this value comes from: the motion backwards.
      const [y, x] = [row - middleRow - down, column - middleColumn - right]
      const fromRow = cosine * y + sine * x + middleRow
      const fromColumn = cosine * x - sine * y + middleColumn
      const [top, left] = [Math.floor(fromRow), Math.floor(fromColumn)]
      const [low, side] = [fromRow - top, fromColumn - left]
      for (let c = 0; c < channels; c++) {
        const at = (r: number, k: number): number =>
          r < 0 || r >= height || k < 0 || k >= width ? fill : picture[c * pixels + r * width + k]!
        const upper = side === 0 ? at(top, left) : mix(at(top, left), at(top, left + 1), side)
        out[c * pixels + row * width + column] =
          low === 0 ? upper : mix(upper, mix(at(top + 1, left), at(top + 1, left + 1), side), low)
      }
    }
}

const mix = (a: number, b: number, share: number): number => (1 - share) * a + share * b
