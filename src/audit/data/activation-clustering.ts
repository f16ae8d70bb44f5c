import { z } from 'zod'
import type { Rng } from '../../util/rng.js'
import { defineDetector } from '../types.js'
import { classThreshold, detection, rowsByClass } from './lib/calibrate.js'
import { imbalance } from './lib/imbalance.js'
import { reduceByClass, type Reduced } from './lib/reduce.js'
import { upperQuantile } from './lib/robust.js'
import { squaredDistance, twoMeans } from './lib/two-means.js'

/**
 * Poison of a class makes a cluster of its own in the features. Each class is split in two; a sample's score is how much
 * nearer it lies to the centre of the lesser cluster than to that of the greater, (a − b) / max(a, b): its silhouette
 * with centres for clusters, which the paper judges a split by. What splits a class without poison reach is the
 * threshold: the greater of what 2-means does to a normal bulk of that shape, and of what it does to the other classes.
 */
export const activationClustering = defineDetector({
  id: 'activation-clustering',
  version: 1,
  title: 'Activation clustering',
  source: 'Chen et al. 2018, arXiv:1811.03728',
  needs: ['model'],
  params: z.object({
    dims: z.int().min(2).max(64).default(10).describe('principal components of a class'),
  }),
  async detect(context, { dims }) {
    const { source, falsePositiveRate: rate, rng } = context
    const reduced = await reduceByClass(context, dims)
    const scores = new Float64Array(source.count).fill(NaN)
    const normal: number[] = []
    const judged = rowsByClass(new Float64Array(source.count), reduced.labels, source.classes)
    for (const [label, rows] of judged.entries()) {
      if (rows.length === 0) continue
      context.checkpoint()
      const own = rng.fork('clusters', label)
      silhouettes(reduced.rows, rows, reduced.dims, own, scores)
      normal.push(normalQuantileOf(reduced, rows, rate, own.fork('normal')))
    }
    const threshold = Math.max(
      normal.sort((a, b) => a - b)[Math.floor(normal.length / 2)] ?? Infinity,
      classThreshold(scores, reduced.labels, source.classes, rate),
    )
    return detection(scores, threshold, { notApplicable: imbalance(source) })
  },
})

function silhouettes(
  data: Float32Array,
  rows: Int32Array,
  dims: number,
  rng: Rng,
  out: Float64Array,
): void {
  const { centres } = twoMeans(data, rows, dims, rng)
  for (const row of rows) {
    const [a, b] = [0, 1].map((c) => Math.sqrt(squaredDistance(data, row, centres, c, dims)))
    out[row] = (a! - b!) / (Math.max(a!, b!) || 1)
  }
}

const greatestNormalSample = 2000

/** The quantile for a normal sample of the class's own deviations along its principal directions. */
function normalQuantileOf({ rows: data, dims }: Reduced, rows: Int32Array, rate: number, rng: Rng) {
  const deviations = new Float64Array(dims)
  for (const row of rows)
    for (let i = 0; i < dims; i++) deviations[i]! += data[row * dims + i]! ** 2 / rows.length
  const count = Math.min(greatestNormalSample, rows.length)
  const sample = Float32Array.from(
    { length: count * dims },
    (_, i) => Math.sqrt(deviations[i % dims]!) * rng.normal(),
  )
  const out = new Float64Array(count)
  silhouettes(sample, Int32Array.from(out.keys()), dims, rng, out)
  return upperQuantile(out.sort(), rate)
}
