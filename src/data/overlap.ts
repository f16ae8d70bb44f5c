import { createHash } from 'node:crypto'
import { takeSamples, type Dataset } from './dataset.js'

/**
 * Samples of `data` whose values, as a model sees them, are also those of a sample of `other`, to the bit.
 * @returns their indices in `data`
 */
export function overlap(data: Dataset, other: Dataset): number[] {
  const known = new Set(Array.from({ length: other.count }, (_, i) => digestOf(other, i)))
  const all = Array.from({ length: data.count }, (_, i) => i)
  return all.filter((i) => known.has(digestOf(data, i)))
}

function digestOf(dataset: Dataset, i: number): string {
  const sample = takeSamples(dataset, [i])
  const bytes = new Uint8Array(sample.buffer, sample.byteOffset, sample.byteLength)
  return createHash('sha256').update(bytes).digest('base64')
}
