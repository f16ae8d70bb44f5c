import type { AuditContext } from '../../types.js'
import { featuresOf } from './features.js'
import { classMeans, eachCovariance } from './moments.js'
import { topEigen } from './symmetric.js'

/** Each sample's features along the principal directions of its own class. */
export interface Reduced {
  readonly dims: number
  /** (count, dims) about the class's mean; float32, all samples. */
  readonly rows: Float32Array
  readonly labels: Int32Array
}

/**
 * Principal components by class. Cost: three passes over the features, and `dims` numbers a sample in memory.
 * @param dims - at most; less where the features are narrower
 */
export async function reduceByClass(context: AuditContext, dims: number): Promise<Reduced> {
  const { source, rng } = context
  const store = featuresOf(context)
  const { width } = store
  const k = Math.min(dims, width)
  const means = await classMeans(store, source.classCounts)
  const directions: Float64Array[] = source.classCounts.map(() => new Float64Array(k * width))
  await eachCovariance(store, source.classCounts, means, (label, covariance) => {
    const { vectors } = topEigen(covariance, width, k, rng.fork('directions', label))
    directions[label] = vectors
  })
  const rows = new Float32Array(source.count * k)
  const labels = new Int32Array(source.count)
  for await (const batch of store.batches()) {
    labels.set(batch.labels, batch.from)
    batch.labels.forEach((label, r) => {
      const own = directions[label]!
      for (let d = 0; d < k; d++) {
        let sum = 0
        for (let i = 0; i < width; i++)
          sum += own[d * width + i]! * (batch.rows[r * width + i]! - means[label * width + i]!)
        rows[(batch.from + r) * k + d] = sum
      }
    })
  }
  return { dims: k, rows, labels }
}
