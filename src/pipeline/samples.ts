import { sampleSize, takeSamples, type Dataset } from '../data/dataset.js'
import type { LabelledSamples } from '../poison/types.js'

/** What a training is given. */
export interface TrainingSet {
  /** (labels.length, ...shape), C order, in the data set's units. */
  readonly x: Float32Array
  readonly labels: Int32Array
}

/** A whole data set as poisons and detectors see it. */
export function labelledOf(dataset: Dataset, classes: number): LabelledSamples {
  const { count, shape, range, values, divisor, labels } = dataset
  const isReady = values instanceof Float32Array && divisor === 1
  const all = (): number[] => Array.from({ length: count }, (_, i) => i)
  return {
    count,
    shape,
    range,
    classes,
    x: isReady ? values : takeSamples(dataset, all()),
    labels,
  }
}

/**
 * Rounds what is poisoned of 8-bit pixels to what a file of bytes can hold: so it would reach any training.
 * @param x - (count, ...shape); changed in place
 */
export function roundToBytes(
  x: Float32Array,
  poisons: readonly number[],
  dataset: Pick<Dataset, 'shape' | 'divisor'>,
): void {
  const { divisor } = dataset
  if (divisor === 1) return
  const size = sampleSize(dataset)
  for (const index of poisons)
    for (let i = index * size; i < (index + 1) * size; i++)
      x[i] = Math.round(x[i]! * divisor) / divisor
}

/** The samples for which `keeps` holds, in order. */
export function keepSamples(
  { x, labels }: TrainingSet,
  keeps: (index: number) => boolean,
): TrainingSet {
  const size = x.length / labels.length
  const kept = Array.from(labels.keys()).filter(keeps)
  const out = new Float32Array(kept.length * size)
  kept.forEach((index, row) => out.set(x.subarray(index * size, (index + 1) * size), row * size))
  return { x: out, labels: Int32Array.from(kept, (index) => labels[index]!) }
}
