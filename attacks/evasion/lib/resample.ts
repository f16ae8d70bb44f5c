import type { Grid } from './grid.js'

/** Weights by which one axis becomes another: out[k] = Σ w·in[i]. */
type Weights = readonly (readonly (readonly [i: number, w: number])[])[]

/** Gaussian blur, kernel cut off at 4σ; beyond the edge the edge goes on. */
export function blur(picture: Float64Array, grid: Grid, sigma: number): Float64Array {
  return alongBoth(picture, grid, (length) => {
    const reach = Math.max(1, Math.round(4 * sigma))
    const kernel = Array.from({ length: 2 * reach + 1 }, (_, k) =>
      Math.exp(-((k - reach) ** 2) / (2 * sigma * sigma)),
    )
    const sum = kernel.reduce((total, w) => total + w, 0)
    return Array.from({ length }, (_, at) =>
      kernel.map((w, k) => [Math.min(Math.max(at + k - reach, 0), length - 1), w / sum] as const),
    )
  })
}

/** Down to `share` of each side, every value the mean of what it covers, and up again without smoothing. */
export function pixelate(picture: Float64Array, grid: Grid, share: number): Float64Array {
  return alongBoth(picture, grid, (length) => {
    const small = Math.max(1, Math.floor(length * share))
    const width = length / small
    return Array.from({ length }, (_, at) => {
      const block = Math.floor(((at + 0.5) * small) / length)
      const [from, to] = [block * width, (block + 1) * width]
      const covered: [number, number][] = []
      for (let i = Math.floor(from); i < to && i < length; i++) {
        const overlap = Math.min(i + 1, to) - Math.max(i, from)
        if (overlap > 0) covered.push([i, overlap / width])
      }
      return covered
    })
  })
}

function alongBoth(
  picture: Float64Array,
  { channels, height, width }: Grid,
  weightsOf: (length: number) => Weights,
): Float64Array {
  const [down, across] = [weightsOf(height), weightsOf(width)]
  const [half, out] = [new Float64Array(picture.length), new Float64Array(picture.length)]
  for (let row = 0; row < channels * height; row++)
    for (let column = 0; column < width; column++) {
      let sum = 0
      for (const [i, w] of across[column]!) sum += w * picture[row * width + i]!
      half[row * width + column] = sum
    }
  for (let row = 0; row < channels * height; row++) {
    const first = row - (row % height)
    for (let column = 0; column < width; column++) {
      let sum = 0
      for (const [i, w] of down[row % height]!) sum += w * half[(first + i) * width + column]!
      out[row * width + column] = sum
    }
  }
  return out
}
