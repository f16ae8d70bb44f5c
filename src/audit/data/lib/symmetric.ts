import type { Rng } from '../../../util/rng.js'

/** Eigenpairs of a symmetric matrix, greatest value first. */
export interface Eigen {
  readonly values: Float64Array
  /** Row i is the unit vector of value i; (k, n). */
  readonly vectors: Float64Array
}

const maxSweeps = 60

/**
 * All eigenpairs of a small symmetric matrix by cyclic Jacobi rotations.
 * @param matrix - (n, n), only read. Cost: O(n³) a sweep, about eight sweeps.
 * Source: Golub & Van Loan, Matrix Computations, algorithm 8.5.2.
 */
export function jacobiEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice()
  const v = identity(n)
  for (let sweep = 0; sweep < maxSweeps && offDiagonal(a, n) > 1e-24 * frobenius(a); sweep++)
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q)
  const order = Array.from({ length: n }, (_, i) => i)
  order.sort((i, j) => a[j * n + j]! - a[i * n + i]!)
  const vectors = new Float64Array(n * n)
  order.forEach((from, to) => vectors.set(v.subarray(from * n, (from + 1) * n), to * n))
  return { values: Float64Array.from(order, (i) => a[i * n + i]!), vectors }
}

/** Zeroes a[p][q]; the rows of `v` turn with it. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q]!
  if (apq === 0) return
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq)
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1))
  const c = 1 / Math.hypot(t, 1)
  const s = t * c
  for (let i = 0; i < n; i++) {
    const [aip, aiq] = [a[i * n + p]!, a[i * n + q]!]
    a[i * n + p] = c * aip - s * aiq
    a[i * n + q] = s * aip + c * aiq
  }
  turnRows(a, n, p, q, c, s)
  turnRows(v, n, p, q, c, s)
}

function turnRows(m: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let i = 0; i < n; i++) {
    const [mp, mq] = [m[p * n + i]!, m[q * n + i]!]
    m[p * n + i] = c * mp - s * mq
    m[q * n + i] = s * mp + c * mq
  }
}

const offDiagonal = (a: Float64Array, n: number): number =>
  a.reduce((sum, value, i) => (Math.floor(i / n) === i % n ? sum : sum + value * value), 0)

const frobenius = (a: Float64Array): number => a.reduce((sum, value) => sum + value * value, 0)

function identity(n: number): Float64Array {
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++) out[i * n + i] = 1
  return out
}

/** Dimensions up to which Jacobi on the whole matrix is the quicker way. */
const smallMatrix = 48
const maxIterations = 300

/**
 * The k greatest eigenpairs of a positive semidefinite matrix, by subspace iteration with Rayleigh–Ritz steps.
 * @param matrix - (n, n), only read
 * Cost: O(n² k) an iteration. Source: Saad 2011, Numerical Methods for Large Eigenvalue Problems, algorithm 5.2.
 */
export function topEigen(matrix: Float64Array, n: number, k: number, rng: Rng): Eigen {
  const take = Math.min(k, n)
  if (n <= smallMatrix) return firstOf(jacobiEigen(matrix, n), n, take)
  // A few more vectors than asked for: the error falls with the gap behind the last of them.
  const width = Math.min(n, take + 4)
  let basis = Float64Array.from({ length: width * n }, () => rng.normal())
  orthonormalise(basis, n)
  let before = new Float64Array(take)
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const image = multiplyRows(basis, matrix, n)
    const { values, vectors } = jacobiEigen(gram(basis, image, n), width)
    basis = multiplyRows(vectors, image, n, width)
    orthonormalise(basis, n)
    const isSettled = values
      .subarray(0, take)
      .every((value, i) => Math.abs(value - before[i]!) <= 1e-12 * Math.abs(values[0]!))
    before = values.slice(0, take)
    if (isSettled) break
  }
  const { values, vectors } = jacobiEigen(gram(basis, multiplyRows(basis, matrix, n), n), width)
  return firstOf({ values, vectors: multiplyRows(vectors, basis, n, width) }, n, take)
}

const firstOf = ({ values, vectors }: Eigen, n: number, k: number): Eigen => ({
  values: values.slice(0, k),
  vectors: vectors.slice(0, k * n),
})

/** rows (r, inner) × matrix (inner, n). @returns (r, n) */
function multiplyRows(
  rows: Float64Array,
  matrix: Float64Array,
  n: number,
  inner = n,
): Float64Array<ArrayBuffer> {
  const count = rows.length / inner
  const out = new Float64Array(count * n)
  for (let r = 0; r < count; r++)
    for (let i = 0; i < inner; i++) {
      const factor = rows[r * inner + i]!
      if (factor === 0) continue
      for (let j = 0; j < n; j++) out[r * n + j]! += factor * matrix[i * n + j]!
    }
  return out
}

/** a (r, n) × bᵀ (n, r). */
function gram(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const count = a.length / n
  const out = new Float64Array(count * count)
  for (let i = 0; i < count; i++)
    for (let j = i; j < count; j++) {
      let sum = 0
      for (let c = 0; c < n; c++) sum += a[i * n + c]! * b[j * n + c]!
      out[i * count + j] = out[j * count + i] = sum
    }
  return out
}

/** Gram–Schmidt on the rows, twice for the sake of rounding; rows that vanish become zero. */
function orthonormalise(rows: Float64Array, n: number): void {
  const count = rows.length / n
  for (let r = 0; r < count; r++) {
    const row = rows.subarray(r * n, (r + 1) * n)
    const start = lengthOf(row)
    for (let pass = 0; pass < 2; pass++)
      for (let s = 0; s < r; s++) {
        const other = rows.subarray(s * n, (s + 1) * n)
        let along = 0
        for (let i = 0; i < n; i++) along += row[i]! * other[i]!
        for (let i = 0; i < n; i++) row[i]! -= along * other[i]!
      }
    const length = lengthOf(row)
    const scale = length > 1e-14 * start ? 1 / length : 0
    for (let i = 0; i < n; i++) row[i]! *= scale
  }
}

const lengthOf = (row: Float64Array): number => Math.sqrt(frobenius(row))
