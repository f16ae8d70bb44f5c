import type { LabelledSamples, Rng } from '../../../src/plugin.js'

export const sampleSize = ({ shape }: Pick<LabelledSamples, 'shape'>): number =>
  shape.reduce((product, axis) => product * axis, 1)

/** Whether samples are rows of features. */
export const isTable = ({ shape }: Pick<LabelledSamples, 'shape'>): boolean => shape.length < 2

/** Greatest minus least allowed value. */
export const widthOf = ({ range: [low, high] }: Pick<LabelledSamples, 'range'>): number =>
  high - low

/** A copy of one sample. */
export function sampleAt(samples: LabelledSamples, index: number): Float32Array {
  const size = sampleSize(samples)
  return samples.x.slice(index * size, (index + 1) * size)
}

/** Copies of several, one after the other. @returns (N, ...shape) */
export function gather(samples: LabelledSamples, indices: ArrayLike<number>): Float32Array {
  const size = sampleSize(samples)
  const out = new Float32Array(indices.length * size)
  for (let i = 0; i < indices.length; i++)
    out.set(samples.x.subarray(indices[i]! * size, (indices[i]! + 1) * size), i * size)
  return out
}

/** Indices of the samples of a class, ascending. */
export function indicesOf({ labels }: LabelledSamples, label: number): number[] {
  const found: number[] = []
  labels.forEach((one, i) => {
    if (one === label) found.push(i)
  })
  return found
}

/** `count` of the candidates, without repetition, in ascending order (Fisher-Yates, cut short). */
export function draw(candidates: ArrayLike<number>, count: number, rng: Rng): number[] {
  const pool = Array.from(candidates)
  for (let i = 0; i < Math.min(count, pool.length); i++) {
    const j = i + rng.below(pool.length - i)
    const kept = pool[i]!
    pool[i] = pool[j]!
    pool[j] = kept
  }
  return pool.slice(0, count).sort((a, b) => a - b)
}

export const confine = (value: number, [low, high]: readonly [number, number]): number =>
  Math.min(Math.max(value, low), high)

/** Least and greatest value that each feature takes in the data; of images the range, the same everywhere. */
export function extents(samples: LabelledSamples): {
  readonly low: Float32Array
  readonly high: Float32Array
} {
  const size = sampleSize(samples)
  const [low, high] = samples.range
  if (!isTable(samples))
    return { low: new Float32Array(size).fill(low), high: new Float32Array(size).fill(high) }
  const least = samples.x.slice(0, size)
  const greatest = samples.x.slice(0, size)
  samples.x.forEach((value, i) => {
    const k = i % size
    if (value < least[k]!) least[k] = value
    if (value > greatest[k]!) greatest[k] = value
  })
  return { low: least, high: greatest }
}
