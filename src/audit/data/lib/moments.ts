import type { FeatureStore } from './features.js'

/** Bytes that covariances of several classes may take at once; more classes are done in several passes. */
const covarianceBytes = 2 ** 28

/** (classes, width); zero for a class without samples. */
export async function classMeans(
  store: FeatureStore,
  classCounts: readonly number[],
): Promise<Float64Array> {
  const { width } = store
  const sums = new Float64Array(classCounts.length * width)
  for await (const { rows, labels } of store.batches())
    labels.forEach((label, r) => {
      for (let i = 0; i < width; i++) sums[label * width + i]! += rows[r * width + i]!
    })
  classCounts.forEach((count, c) => {
    if (count > 0) for (let i = 0; i < width; i++) sums[c * width + i]! /= count
  })
  return sums
}

/**
 * Covariance of each class about its mean, divided by its count, handed on class by class: D × D of them do not lie in
 * memory for all classes at once.
 * Cost: as many passes as 256 MB hold classes' matrices; O(N D²).
 */
export async function eachCovariance(
  store: FeatureStore,
  classCounts: readonly number[],
  means: Float64Array,
  visit: (label: number, covariance: Float64Array) => void,
): Promise<void> {
  const { width } = store
  const atOnce = Math.max(1, Math.floor(covarianceBytes / (8 * width * width)))
  for (let first = 0; first < classCounts.length; first += atOnce) {
    const last = Math.min(classCounts.length, first + atOnce)
    const own = await covariances(store, first, last, means)
    own.forEach((matrix, i) => {
      const count = classCounts[first + i]!
      if (count === 0) return
      finish(matrix, width, count)
      visit(first + i, matrix)
    })
  }
}

async function covariances(
  store: FeatureStore,
  first: number,
  last: number,
  means: Float64Array,
): Promise<Float64Array[]> {
  const { width } = store
  const out = Array.from({ length: last - first }, () => new Float64Array(width * width))
  const centred = new Float64Array(width)
  for await (const { rows, labels } of store.batches())
    labels.forEach((label, r) => {
      const matrix = out[label - first]
      if (!matrix) return
      for (let i = 0; i < width; i++) centred[i] = rows[r * width + i]! - means[label * width + i]!
      addOuter(matrix, centred)
    })
  return out
}

/** Upper triangle only. */
function addOuter(matrix: Float64Array, row: Float64Array): void {
  const n = row.length
  for (let i = 0; i < n; i++) {
    const factor = row[i]!
    if (factor === 0) continue
    for (let j = i; j < n; j++) matrix[i * n + j]! += factor * row[j]!
  }
}

function finish(matrix: Float64Array, n: number, count: number): void {
  for (let i = 0; i < n; i++)
    for (let j = i; j < n; j++) {
      const value = matrix[i * n + j]! / count
      matrix[i * n + j] = matrix[j * n + i] = value
    }
}
