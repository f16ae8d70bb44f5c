import type { Rng } from '../../../util/rng.js'

export interface TwoMeans {
  /** (2, dims); the first is that of the greater cluster. */
  readonly centres: Float64Array
  /** Samples of the lesser cluster. */
  readonly lesser: number
}

const restarts = 5
const maxSteps = 100

/**
 * 2-means of the rows given, best of five k-means++ starts.
 * @param data - (N, dims); `rows` says which of them take part
 * Source: Lloyd 1982; Arthur & Vassilvitskii 2007, "k-means++".
 */
export function twoMeans(data: Float32Array, rows: Int32Array, dims: number, rng: Rng): TwoMeans {
  let best: { cost: number; centres: Float64Array; counts: readonly number[] } | undefined
  for (let start = 0; start < restarts; start++) {
    const found = lloyd(data, rows, dims, startingCentres(data, rows, dims, rng))
    if (!best || found.cost < best.cost) best = found
  }
  const [first, second] = best!.counts as [number, number]
  const centres = best!.centres
  if (first >= second) return { centres, lesser: second }
  const swapped = new Float64Array(2 * dims)
  swapped.set(centres.subarray(dims), 0)
  swapped.set(centres.subarray(0, dims), dims)
  return { centres: swapped, lesser: first }
}

/** One sample at random, and one drawn by its squared distance from it. */
function startingCentres(
  data: Float32Array,
  rows: Int32Array,
  dims: number,
  rng: Rng,
): Float64Array {
  const centres = new Float64Array(2 * dims)
  const first = rows[rng.below(rows.length)]!
  centres.set(data.subarray(first * dims, (first + 1) * dims))
  const weights = Float64Array.from(rows, (row) => squaredDistance(data, row, centres, 0, dims))
  let left = rng.uniform() * weights.reduce((sum, weight) => sum + weight, 0)
  const at = weights.findIndex((weight) => (left -= weight) <= 0)
  const second = rows[Math.max(0, at)]!
  centres.set(data.subarray(second * dims, (second + 1) * dims), dims)
  return centres
}

function lloyd(data: Float32Array, rows: Int32Array, dims: number, centres: Float64Array) {
  let before = Infinity
  for (let step = 0; ; step++) {
    const sums = new Float64Array(2 * dims)
    const counts = [0, 0]
    let cost = 0
    for (const row of rows) {
      const d = [0, 1].map((c) => squaredDistance(data, row, centres, c, dims))
      const nearest = d[1]! < d[0]! ? 1 : 0
      cost += d[nearest]!
      counts[nearest]!++
      for (let i = 0; i < dims; i++) sums[nearest * dims + i]! += data[row * dims + i]!
    }
    if (!(cost < before * (1 - 1e-9)) || step >= maxSteps) return { cost, centres, counts }
    before = cost
    centres = sums.map((sum, i) => {
      const count = counts[i < dims ? 0 : 1]!
      return count > 0 ? sum / count : centres[i]!
    })
  }
}

/** Of row `row` of the data to centre `c`. */
function squaredDistance(
  data: Float32Array,
  row: number,
  centres: Float64Array,
  c: number,
  dims: number,
): number {
  let sum = 0
  for (let i = 0; i < dims; i++) sum += (data[row * dims + i]! - centres[c * dims + i]!) ** 2
  return sum
}
