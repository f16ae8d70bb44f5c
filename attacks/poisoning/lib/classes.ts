import type { LabelledSamples } from '../../../src/plugin.js'
import { gather, indicesOf } from './samples.js'

/**
 * Mean of each class.
 * @param features - of (N, ...shape) values (N, width); null: the values themselves
 * @returns by class; null where it has no samples
 */
export async function classMeans(
  samples: LabelledSamples,
  features: ((x: Float32Array) => Promise<Float32Array>) | null,
): Promise<(Float64Array | null)[]> {
  const means: (Float64Array | null)[] = []
  for (let label = 0; label < samples.classes; label++) {
    const own = indicesOf(samples, label)
    if (own.length === 0) {
      means.push(null)
      continue
    }
    const values = gather(samples, own)
    const points = features ? await features(values) : values
    const width = points.length / own.length
    const mean = new Float64Array(width)
    points.forEach((value, i) => (mean[i % width]! += value / own.length))
    means.push(mean)
  }
  return means
}

/** Of each class the one whose mean is nearest in L2; itself where it has no samples, or no other has. */
export function nearestTo(means: readonly (Float64Array | null)[]): number[] {
  return means.map((own, label) => {
    let best = label
    let least = Infinity
    means.forEach((other, k) => {
      if (k === label || !own || !other) return
      const distance = own.reduce((sum, value, i) => sum + (value - other[i]!) ** 2, 0)
      if (distance < least) {
        least = distance
        best = k
      }
    })
    return best
  })
}
