import type { Rng } from '../../../util/rng.js'
import { jacobiEigen } from './symmetric.js'

/** Location and whitening of the greater part of a class. */
export interface Whitening {
  readonly centre: Float64Array
  /** (dims, dims): W (x − centre) has covariance I over the bulk. */
  readonly matrix: Float64Array
}

/** Of more rows a random part tells as much. */
const mostRows = 4000
const randomStarts = 30
const startSteps = 2
const finalists = 3
const maxSteps = 50
/** Directions in which the bulk does not vary are not blown up beyond this share of the greatest deviation. */
const leastDeviation = 1e-4

/**
 * Minimum covariance determinant: the half of the rows whose covariance has the least determinant, by concentration
 * steps from random starts and from the half nearest to the coordinates' medians, then one reweighting.
 *
 * @param data - (N, dims); `all` says which rows take part, at least 2 × dims
 * Source: Rousseeuw & Van Driessen 1999, "A fast algorithm for the minimum covariance determinant estimator". The scale
 * is set by the median of squared distances; the reweighting keeps those below the 0.975 quantile of χ².
 */
export function robustWhitening(
  data: Float32Array,
  all: Int32Array,
  dims: number,
  rng: Rng,
): Whitening {
  const rows = all.length > mostRows ? randomRows(all, mostRows, rng) : all
  const half = Math.floor((rows.length + dims + 1) / 2)
  const starts = [nearestTo(mediansOf(data, rows, dims), data, rows, half)]
  for (let i = 0; i < randomStarts; i++) starts.push(randomRows(rows, dims + 1, rng))
  // A few rows at random are seldom of the bulk alone when a third is poison; a quarter around one row is.
  const quarter = Math.max(dims + 1, Math.floor(rows.length / 4))
  for (let i = 0; i < randomStarts; i++)
    starts.push(nearestTo(centreOf(data, rows[rng.below(rows.length)]!, dims), data, rows, quarter))
  const fits = starts
    .map((start) => {
      let fit = fitOf(data, start, dims)
      for (let step = 0; step < startSteps; step++) fit = concentrate(data, rows, dims, half, fit)
      return fit
    })
    .sort((a, b) => a.logDeterminant - b.logDeterminant)
  const best = fits
    .slice(0, finalists)
    .map((fit) => converge(data, rows, dims, half, fit))
    .reduce((a, b) => (b.logDeterminant < a.logDeterminant ? b : a))
  return reweighted(data, rows, dims, best)
}

interface Fit extends Whitening {
  readonly logDeterminant: number
}

function converge(
  data: Float32Array,
  rows: Int32Array,
  dims: number,
  half: number,
  start: Fit,
): Fit {
  let fit = start
  for (let step = 0; step < maxSteps; step++) {
    const next = concentrate(data, rows, dims, half, fit)
    if (!(next.logDeterminant < fit.logDeterminant - 1e-9)) return next
    fit = next
  }
  return fit
}

/** The half nearest by the fit's own distance, fitted again: the determinant never grows (theorem 1). */
function concentrate(
  data: Float32Array,
  rows: Int32Array,
  dims: number,
  half: number,
  fit: Fit,
): Fit {
  const d = distances(data, rows, dims, fit)
  const order = Int32Array.from(rows.keys()).sort((a, b) => d[a]! - d[b]!)
  return fitOf(
    data,
    order.subarray(0, half).map((i) => rows[i]!),
    dims,
  )
}

function reweighted(data: Float32Array, rows: Int32Array, dims: number, fit: Fit): Whitening {
  const d = distances(data, rows, dims, fit)
  const median = d.toSorted()[Math.floor(d.length / 2)]!
  const limit = (chiSquareQuantile(dims, zOf975) / chiSquareQuantile(dims, 0)) * median
  const kept = rows.filter((_, i) => d[i]! <= limit)
  const last = fitOf(data, kept, dims)
  const again = distances(data, kept, dims, last).sort()
  const scale = Math.sqrt(chiSquareQuantile(dims, 0) / (again[Math.floor(again.length / 2)]! || 1))
  return { centre: last.centre, matrix: last.matrix.map((value) => value * scale) }
}

const zOf975 = 1.959964

/** χ²'s quantile where the normal's is z. Source: Wilson & Hilferty 1931. */
const chiSquareQuantile = (k: number, z: number): number =>
  k * (1 - 2 / (9 * k) + z * Math.sqrt(2 / (9 * k))) ** 3

/** Mean and whitening of the rows. */
function fitOf(data: Float32Array, rows: Int32Array, dims: number): Fit {
  const centre = new Float64Array(dims)
  for (const row of rows)
    for (let i = 0; i < dims; i++) centre[i]! += data[row * dims + i]! / rows.length
  const covariance = new Float64Array(dims * dims)
  for (const row of rows)
    for (let i = 0; i < dims; i++) {
      const off = (data[row * dims + i]! - centre[i]!) / rows.length
      for (let j = 0; j < dims; j++)
        covariance[i * dims + j]! += off * (data[row * dims + j]! - centre[j]!)
    }
  const { values, vectors } = jacobiEigen(covariance, dims)
  const least = Math.max(Number.MIN_VALUE, values[0]! * leastDeviation ** 2)
  const deviations = values.map((value) => Math.sqrt(Math.max(value, least)))
  const matrix = vectors.map((value, at) => value / deviations[Math.floor(at / dims)]!)
  const logDeterminant = 2 * deviations.reduce((sum, value) => sum + Math.log(value), 0)
  return { centre, matrix, logDeterminant }
}

/** Squared lengths of the whitened rows. */
function distances(
  data: Float32Array,
  rows: Int32Array,
  dims: number,
  whitening: Whitening,
): Float64Array<ArrayBuffer> {
  const out = new Float64Array(rows.length)
  rows.forEach((row, at) => {
    const white = whiten(data, row, dims, whitening)
    for (const value of white) out[at]! += value * value
  })
  return out
}

/** W (x − centre) of one row. */
export function whiten(
  data: Float32Array,
  row: number,
  dims: number,
  { centre, matrix }: Whitening,
): Float64Array {
  const out = new Float64Array(dims)
  for (let i = 0; i < dims; i++)
    for (let j = 0; j < dims; j++)
      out[i]! += matrix[i * dims + j]! * (data[row * dims + j]! - centre[j]!)
  return out
}

function mediansOf(data: Float32Array, rows: Int32Array, dims: number): Float64Array {
  return Float64Array.from({ length: dims }, (_, i) => {
    const sorted = Float64Array.from(rows, (row) => data[row * dims + i]!).sort()
    return sorted[Math.floor(sorted.length / 2)]!
  })
}

const centreOf = (data: Float32Array, row: number, dims: number): Float64Array =>
  Float64Array.from(data.subarray(row * dims, (row + 1) * dims))

/** The `count` rows nearest to a point. */
function nearestTo(
  centre: Float64Array,
  data: Float32Array,
  rows: Int32Array,
  count: number,
): Int32Array {
  const d = Float64Array.from(rows, (row) =>
    centre.reduce((sum, value, i) => sum + (data[row * centre.length + i]! - value) ** 2, 0),
  )
  const order = Int32Array.from(rows.keys()).sort((a, b) => d[a]! - d[b]!)
  return order.subarray(0, count).map((i) => rows[i]!)
}

function randomRows(rows: Int32Array, count: number, rng: Rng): Int32Array {
  const pool = rows.slice()
  const take = Math.min(count, pool.length)
  for (let i = 0; i < take; i++) {
    const j = i + rng.below(pool.length - i)
    const kept = pool[i]!
    pool[i] = pool[j]!
    pool[j] = kept
  }
  return pool.subarray(0, take)
}
