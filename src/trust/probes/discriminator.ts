import { dot, row } from '../measure.js'

/** w and t with w·φ − t above 0 at the boundary point alone. */
export interface Discriminator {
  readonly weight: Float32Array
  readonly threshold: number
}

/**
 * The hyperplane through feature space that tells one point from many: minimise Σ (w·φᵢ)² + λ|w|² with w·φ_b = 1, solved in
 * the span of the points, w ∝ φ_b − Φᵀ(λI + ΦΦᵀ)⁻¹Φφ_b.
 *
 * @param inner - (count, width) features of the points to be told from, relative to those of the clean sample
 * @param boundary - (width) of the point to be told, relative as well
 * @param closeness - where between the nearest of the others (0) and the boundary point (1) the threshold lies
 * @returns null when no hyperplane was found between them
 */
export function discriminate(
  inner: Float32Array,
  boundary: Float32Array,
  closeness: number,
): Discriminator | null {
  const width = boundary.length
  const count = inner.length / width
  const gram = new Float64Array(count * count)
  let trace = 0
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++)
      gram[i * count + j] = gram[j * count + i] = dot(row(inner, i, width), row(inner, j, width))
    trace += gram[i * count + i]!
  }
  const ridge = Math.max((1e-3 * trace) / count, 1e-30)
  for (let i = 0; i < count; i++) gram[i * count + i]! += ridge
  const right = Float64Array.from({ length: count }, (_, i) => dot(row(inner, i, width), boundary))
  const along = solve(gram, right)
  const weight = Float32Array.from(boundary)
  for (let i = 0; i < count; i++)
    for (let k = 0; k < width; k++) weight[k]! -= along[i]! * inner[i * width + k]!
  const reached = dot(weight, boundary)
  if (!(reached > 0)) return null
  for (let k = 0; k < width; k++) weight[k]! /= reached
  // The clean sample is at 0.
  let nearest = 0
  for (let i = 0; i < count; i++) nearest = Math.max(nearest, dot(row(inner, i, width), weight))
  return nearest < 0.95 ? { weight, threshold: nearest + closeness * (1 - nearest) } : null
}

/** a⁻¹b of a positive definite matrix, by Cholesky's factors; `a` and `b` are overwritten. */
function solve(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!
      a[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / a[j * n + j]!
    }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) b[i]! -= a[i * n + k]! * b[k]!
    b[i]! /= a[i * n + i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) b[i]! -= a[k * n + i]! * b[k]!
    b[i]! /= a[i * n + i]!
  }
  return b
}
