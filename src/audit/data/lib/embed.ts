import type { Rng } from '../../../util/rng.js'
import type { AuditContext } from '../../types.js'
import { isPicture } from './architecture.js'
import { featuresOf, type FeatureStore } from './features.js'
import { topEigen } from './symmetric.js'

/** All samples as points of a space where near means alike. */
export interface Embedding {
  readonly dims: number
  /** (count, dims) float32. */
  readonly points: Float32Array
  readonly labels: Int32Array
}

const mostDims = 32
/** Directions are found in a random part of the samples. */
const sampleRows = 3000
/** Wider rows are first hashed down: adding values with random signs keeps distances (Weinberger et al. 2009). */
const mostWidth = 512

/**
 * The samples, or their features, along at most 32 principal directions; columns of tables, which have units of their
 * own, in deviations first. Cost: two passes, 32 numbers a sample in memory.
 */
export async function embed(
  context: AuditContext,
  space: 'input' | 'features',
): Promise<Embedding> {
  const { source, rng } = context
  const store = space === 'features' ? featuresOf(context) : inputsOf(context)
  const fold = folding(store.width, rng.fork('folding'))
  const sample = await sampleOf(context, store, fold)
  const scale = isPicture(source.shape) || space === 'features' ? null : deviations(sample)
  const { centre, directions, dims } = principal(sample, scale, rng.fork('directions'))
  const points = new Float32Array(source.count * dims)
  const labels = new Int32Array(source.count)
  const row = new Float64Array(fold.width)
  for await (const batch of store.batches()) {
    labels.set(batch.labels, batch.from)
    batch.labels.forEach((_, r) => {
      fold.apply(batch.rows, r, row)
      for (let i = 0; i < row.length; i++) row[i] = (row[i]! - centre[i]!) / (scale?.[i] ?? 1)
      for (let d = 0; d < dims; d++) {
        let along = 0
        for (let i = 0; i < row.length; i++) along += directions[d * row.length + i]! * row[i]!
        points[(batch.from + r) * dims + d] = along
      }
    })
  }
  return { dims, points, labels }
}

function inputsOf({ source, checkpoint }: AuditContext): FeatureStore {
  return {
    width: source.shape.reduce((product, side) => product * side, 1),
    async *batches() {
      for await (const { from, x, labels } of source.batches()) {
        checkpoint()
        yield { from, rows: x, labels }
      }
    },
  }
}

interface Folding {
  readonly width: number
  apply(rows: Float32Array, row: number, out: Float64Array): void
}

function folding(from: number, rng: Rng): Folding {
  if (from <= mostWidth)
    return {
      width: from,
      apply(rows, row, out) {
        for (let i = 0; i < from; i++) out[i] = rows[row * from + i]!
      },
    }
  const to = Int32Array.from({ length: from }, () => rng.below(mostWidth))
  const sign = Int8Array.from({ length: from }, () => (rng.below(2) === 0 ? -1 : 1))
  return {
    width: mostWidth,
    apply(rows, row, out) {
      out.fill(0)
      for (let i = 0; i < from; i++) out[to[i]!]! += sign[i]! * rows[row * from + i]!
    },
  }
}

interface Sample {
  readonly width: number
  readonly rows: Float64Array
}

async function sampleOf(
  context: AuditContext,
  store: FeatureStore,
  fold: Folding,
): Promise<Sample> {
  const { source, rng } = context
  const draws = rng.fork('sample')
  const share = sampleRows / source.count
  const rows: Float64Array[] = []
  for await (const batch of store.batches())
    batch.labels.forEach((_, r) => {
      if (share < 1 && draws.uniform() >= share) return
      const row = new Float64Array(fold.width)
      fold.apply(batch.rows, r, row)
      rows.push(row)
    })
  const out = new Float64Array(rows.length * fold.width)
  rows.forEach((row, i) => out.set(row, i * fold.width))
  return { width: fold.width, rows: out }
}

function deviations({ width, rows }: Sample): Float64Array {
  const count = rows.length / width
  const mean = new Float64Array(width)
  rows.forEach((value, i) => (mean[i % width]! += value / count))
  const out = new Float64Array(width)
  rows.forEach((value, i) => (out[i % width]! += (value - mean[i % width]!) ** 2 / count))
  return out.map((variance) => Math.sqrt(variance) || 1)
}

function principal({ width, rows }: Sample, scale: Float64Array | null, rng: Rng) {
  const count = rows.length / width
  const centre = new Float64Array(width)
  rows.forEach((value, i) => (centre[i % width]! += value / count))
  const covariance = new Float64Array(width * width)
  const row = new Float64Array(width)
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < width; i++) row[i] = (rows[r * width + i]! - centre[i]!) / (scale?.[i] ?? 1)
    for (let i = 0; i < width; i++) {
      const factor = row[i]! / count
      if (factor === 0) continue
      for (let j = 0; j < width; j++) covariance[i * width + j]! += factor * row[j]!
    }
  }
  const dims = Math.min(mostDims, width)
  return { centre, dims, directions: topEigen(covariance, width, dims, rng).vectors }
}
