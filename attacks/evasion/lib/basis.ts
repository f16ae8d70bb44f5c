import type { Grid } from './grid.js'

/** Orthonormal directions, by number. */
export interface Basis {
  readonly count: number
  /** point += factor · direction k */
  add(point: Float32Array, k: number, factor: number): void
}

/** Each direction is one value. */
export const pixelBasis = (count: number): Basis => ({
  count,
  add: (point, k, factor) => {
    point[k]! += factor
  },
})

/** Two-dimensional cosines (DCT-II) of each channel: of each axis the share of the lowest frequencies, at least one. */
export function cosineBasis({ channels, height, width }: Grid, share: number): Basis {
  const [rows, columns] = [height, width].map((axis) => Math.max(1, Math.round(share * axis)))
  const count = rows! * columns!
  const [down, across] = [cosines(height, rows!), cosines(width, columns!)]
  return {
    count: channels * count,
    add: (point, k, factor) => {
      const [u, v] = [Math.floor((k % count) / columns!), k % columns!]
      let i = Math.floor(k / count) * height * width
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) point[i++]! += factor * down[u]![y]! * across[v]![x]!
    },
  }
}

/** The first `count` vectors of an orthonormal DCT-II of length n. */
export function cosines(n: number, count: number): Float64Array[] {
  return Array.from({ length: count }, (_, k) =>
    Float64Array.from(
      { length: n },
      (_, i) => Math.sqrt((k === 0 ? 1 : 2) / n) * Math.cos((Math.PI * k * (2 * i + 1)) / (2 * n)),
    ),
  )
}
