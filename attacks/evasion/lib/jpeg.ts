import { cosines } from './basis.js'
import type { Grid } from './grid.js'

/** ITU-T T.81, tables K.1 and K.2: steps of 8 × 8 coefficients at quality 50. */
const luminance = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
  92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]
const chrominance = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
  47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
]

/** ITU-R BT.601: rows Y, Cb, Cr of R, G, B. */
const toYcc = [
  [0.299, 0.587, 0.114],
  [-0.168736, -0.331264, 0.5],
  [0.5, -0.418688, -0.081312],
]
const toRgb = [
  [1, 0, 1.402],
  [1, -0.344136, -0.714136],
  [1, 1.772, 0],
]

/**
 * What JPEG loses: cosine coefficients of blocks of 8 × 8, rounded to the steps of its tables. Colours are turned to
 * brightness and two differences of colour where there are three channels; these are not halved in size.
 * @param quality - 1 to 100, as libjpeg scales its tables by it
 */
export function compress(picture: Float64Array, grid: Grid, quality: number): Float64Array {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality
  const steps = (table: readonly number[]): number[] =>
    table.map((step) => Math.min(Math.max(Math.floor((step * scale + 50) / 100), 1), 255))
  const isColoured = grid.channels === 3
  // Levels around zero, as JPEG codes them.
  const levels = picture.map((value) => 255 * value - 128)
  const planes = isColoured ? mixed(levels, toYcc) : levels
  const pixels = grid.height * grid.width
  for (let channel = 0; channel < grid.channels; channel++) {
    const plane = planes.subarray(channel * pixels, (channel + 1) * pixels)
    quantise(plane, grid, steps(isColoured && channel > 0 ? chrominance : luminance))
  }
  return (isColoured ? mixed(planes, toRgb) : planes).map(
    (level) => (Math.round(level) + 128) / 255,
  )
}

function mixed(values: Float64Array, matrix: readonly (readonly number[])[]): Float64Array {
  const pixels = values.length / 3
  return values.map((_, i) => {
    const [row, pixel] = [matrix[Math.floor(i / pixels)]!, i % pixels]
    return row.reduce((sum, weight, c) => sum + weight * values[c * pixels + pixel]!, 0)
  })
}

/** Blocks at the edge may be smaller: they have fewer coefficients. In place. */
function quantise(plane: Float64Array, { height, width }: Grid, steps: readonly number[]): void {
  for (let top = 0; top < height; top += 8)
    for (let left = 0; left < width; left += 8) {
      const [rows, columns] = [Math.min(8, height - top), Math.min(8, width - left)]
      const [down, across] = [cosines(rows, rows), cosines(columns, columns)]
      const index = (y: number, x: number): number => (top + y) * width + left + x
      // For the same content, coefficients of a smaller block are smaller by √(64 / values).
      const gain = Math.sqrt(64 / (rows * columns))
      const kept = new Float64Array(rows * columns)
      for (let u = 0; u < rows; u++)
        for (let v = 0; v < columns; v++) {
          let sum = 0
          for (let y = 0; y < rows; y++)
            for (let x = 0; x < columns; x++)
              sum += plane[index(y, x)]! * down[u]![y]! * across[v]![x]!
          const step = steps[u * 8 + v]! / gain
          kept[u * columns + v] = Math.round(sum / step) * step
        }
      for (let y = 0; y < rows; y++)
        for (let x = 0; x < columns; x++) {
          let sum = 0
          for (let u = 0; u < rows; u++)
            for (let v = 0; v < columns; v++)
              sum += kept[u * columns + v]! * down[u]![y]! * across[v]![x]!
          plane[index(y, x)] = sum
        }
    }
}
