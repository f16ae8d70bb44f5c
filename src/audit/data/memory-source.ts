import type { LabelledSamples } from '../../poison/types.js'
import type { AuditSource } from '../types.js'

const defaultBatch = 256

/** Samples in memory as detectors read them. @param batch - samples a time */
export function memorySource(samples: LabelledSamples, batch = defaultBatch): AuditSource {
  const { count, shape, range, classes, x, labels } = samples
  const size = shape.reduce((product, side) => product * side, 1)
  return {
    count,
    shape,
    range,
    classes,
    classCounts: countClasses(labels, classes),
    async *batches() {
      for (let from = 0; from < count; from += batch) {
        const to = Math.min(count, from + batch)
        yield { from, x: x.subarray(from * size, to * size), labels: labels.subarray(from, to) }
      }
    },
  }
}

export function countClasses(labels: Int32Array, classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0)
  for (const label of labels) counts[label]!++
  return counts
}
