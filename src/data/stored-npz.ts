import type { Dataset } from './dataset.js'
import { storedOrder } from './layout.js'
import { writeNpz, type NpyArray } from './npz-write.js'

/**
 * Samples as the file of `dataset` holds its own: same shape, layout, scale and, for bytes, type. A script that reads
 * the file reads these.
 *
 * @param x - (labels.length, ...dataset.shape), C order, in the attack's space; bytes are rounded
 * @returns an .npz with keys `x` and `y` (int64)
 */
export function encodeStored(
  dataset: Pick<Dataset, 'shape' | 'stored' | 'divisor' | 'values'>,
  x: Float32Array,
  labels: Int32Array,
): Uint8Array {
  const { shape, divisor, values, stored } = dataset
  const areBytes = values instanceof Uint8Array
  const out = areBytes ? new Uint8Array(x.length) : new Float32Array(x.length)
  const order = storedOrder({ shape, isChannelsLast: stored?.isChannelsLast ?? false })
  const put = (to: number, value: number): void => {
    const scaled = value * divisor
    out[to] = areBytes ? Math.min(255, Math.max(0, Math.round(scaled))) : scaled
  }
  if (!order) x.forEach((value, i) => put(i, value))
  else
    for (let base = 0; base < x.length; base += order.length)
      for (let i = 0; i < order.length; i++) put(base + order[i]!, x[base + i]!)
  const samples: NpyArray = { shape: [labels.length, ...(stored?.shape ?? shape)], data: out }
  return writeNpz({ x: samples, y: { shape: [labels.length], data: labels } })
}
