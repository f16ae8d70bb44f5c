import type { Rng } from '../../../util/rng.js'
import type { AuditSource } from '../../types.js'

/** Samples that a network is trained on. */
export interface Subset {
  readonly x: Float32Array
  readonly labels: Int32Array
}

/** Values of a training set in memory: 256 MB. */
const mostValues = 2 ** 26
const mostSamples = 50_000

/**
 * Samples of the source that `isIn` lets through; of more than fit, every one with the same chance.
 * Cost: one pass.
 */
export async function drawSubset(
  source: AuditSource,
  isIn: (index: number) => boolean,
  rng: Rng,
  checkpoint: () => void,
): Promise<Subset> {
  const size = source.shape.reduce((product, side) => product * side, 1)
  const indices = chosen(
    source.count,
    isIn,
    Math.min(mostSamples, Math.floor(mostValues / size)),
    rng,
  )
  const x = new Float32Array(indices.length * size)
  const labels = new Int32Array(indices.length)
  let next = 0
  for await (const batch of source.batches()) {
    checkpoint()
    const to = batch.from + batch.labels.length
    for (; next < indices.length && indices[next]! < to; next++) {
      const row = indices[next]! - batch.from
      x.set(batch.x.subarray(row * size, (row + 1) * size), next * size)
      labels[next] = batch.labels[row]!
    }
  }
  return { x, labels }
}

/** Ascending. Selection sampling: Knuth, TAOCP volume 2, algorithm 3.4.2 S. */
function chosen(
  count: number,
  isIn: (index: number) => boolean,
  most: number,
  rng: Rng,
): Int32Array {
  const eligible = Int32Array.from({ length: count }, (_, i) => i).filter(isIn)
  if (eligible.length <= most) return eligible
  const out = new Int32Array(most)
  let taken = 0
  for (let i = 0; i < eligible.length && taken < most; i++)
    if (rng.uniform() * (eligible.length - i) < most - taken) out[taken++] = eligible[i]!
  return out
}
