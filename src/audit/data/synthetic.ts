import type { Rng } from '../../util/rng.js'
import type { AuditContext, AuditModel, AuditSource } from '../types.js'
import { featuresOf, labelsOf } from './lib/features.js'
import { classMeans, eachCovariance } from './lib/moments.js'
import { topEigen } from './lib/symmetric.js'
import { memorySource } from './memory-source.js'

/** Samples of a control of a class; more would only take longer. */
const mostOfClass = 2000
/** Principal directions in which a normal class varies; the rest of its variance is small. */
const mostDirections = 32

/**
 * A control where no trusted data are at hand: features of normal classes with the sizes, means and covariances that the
 * data's classes have. It shows that a detector keeps its rate where classes are normal; whether these classes are, only
 * trusted data can show.
 */
export async function normalControl(context: AuditContext): Promise<AuditContext> {
  const { source, rng } = context
  const store = featuresOf(context)
  const { width } = store
  const means = await classMeans(store, source.classCounts)
  const counts = source.classCounts.map((count) => Math.min(mostOfClass, count))
  const total = counts.reduce((sum, count) => sum + count, 0)
  const x = new Float32Array(total * width)
  const labels = new Int32Array(total)
  let next = 0
  await eachCovariance(store, source.classCounts, means, (label, covariance) => {
    const own = rng.fork('normal control', label)
    const { values, vectors } = topEigen(covariance, width, mostDirections, own)
    for (let i = 0; i < counts[label]!; i++, next++) {
      labels[next] = label
      const row = x.subarray(next * width, (next + 1) * width)
      row.set(means.subarray(label * width, (label + 1) * width))
      values.forEach((value, k) => {
        const step = own.normal() * Math.sqrt(Math.max(0, value))
        for (let d = 0; d < width; d++) row[d]! += step * vectors[k * width + d]!
      })
    }
  })
  const range = [-1e30, 1e30] as const
  const { classes } = source
  const samples = { count: total, shape: [width], range, classes, x, labels }
  return { ...context, source: memorySource(samples), model: identity(width), outOfSample: null }
}

/** Samples that are features already. */
const identity = (featureWidth: number): AuditModel => ({
  featureWidth,
  features: async (x) => x,
  scores: async () => {
    throw new Error('drawn features have no scores')
  },
})

/**
 * The data with new labels, each drawn from the sample's out-of-sample probabilities: right ones as far as those are
 * calibrated. For detectors of wrong labels.
 */
export async function redrawnLabels(context: AuditContext): Promise<AuditContext> {
  const { source, outOfSample, rng } = context
  const draws = rng.fork('redrawn labels')
  const labels = (await labelsOf(context)).map((_, i) =>
    drawn(outOfSample!.subarray(i * source.classes, (i + 1) * source.classes), draws),
  )
  const classCounts = Array.from({ length: source.classes }, () => 0)
  for (const label of labels) classCounts[label]!++
  const redrawn: AuditSource = {
    ...source,
    classCounts,
    async *batches() {
      for await (const { from, x, labels: old } of source.batches())
        yield { from, x, labels: labels.subarray(from, from + old.length) }
    },
  }
  return { ...context, source: redrawn }
}

function drawn(p: Float32Array, rng: Rng): number {
  let left = rng.uniform() * p.reduce((sum, value) => sum + value, 0)
  const at = p.findIndex((value) => (left -= value) < 0)
  return at < 0 ? p.length - 1 : at
}
