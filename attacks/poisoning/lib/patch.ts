import type { LabelledSamples } from '../../../src/plugin.js'
import { gridOf } from '../../evasion/lib/grid.js'
import { extents, isTable } from './samples.js'

export const corners = ['bottom-right', 'bottom-left', 'top-right', 'top-left'] as const
export type Corner = (typeof corners)[number]

export const patterns = ['checkerboard', 'solid'] as const
export type Pattern = (typeof patterns)[number]

/** Values that a trigger sets, by their indices in a sample. */
export interface Patch {
  readonly places: Int32Array
  readonly values: Float32Array
}

/** Side of a square patch in values: at least two, so that there is a pattern, and at most the picture. */
function sideOf(shape: readonly number[], share: number): number {
  const { height, width } = gridOf(shape)
  return Math.min(height, width, Math.max(2, Math.round(share * Math.min(height, width))))
}

/**
 * A square in a corner of an image, the same in all channels; of a table the last features, `share` of them, each at
 * the greatest value it takes in the data.
 */
export function patchOf(
  samples: LabelledSamples,
  { share, corner, pattern }: { share: number; corner: Corner; pattern: Pattern },
): Patch {
  if (isTable(samples)) return lastFeatures(samples, share)
  const { channels, height, width } = gridOf(samples.shape)
  const side = sideOf(samples.shape, share)
  const [low, high] = samples.range
  const top = corner.startsWith('bottom') ? height - side : 0
  const left = corner.endsWith('right') ? width - side : 0
  const places: number[] = []
  const values: number[] = []
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        places.push((c * height + top + y) * width + left + x)
        values.push(pattern === 'solid' || (x + y) % 2 === 0 ? high : low)
      }
  return { places: Int32Array.from(places), values: Float32Array.from(values) }
}

function lastFeatures(samples: LabelledSamples, share: number): Patch {
  const { high } = extents(samples)
  const count = Math.min(high.length, Math.max(1, Math.round(share * high.length)))
  const places = Int32Array.from({ length: count }, (_, k) => high.length - count + k)
  return { places, values: Float32Array.from(places, (place) => high[place]!) }
}

/** A copy of the sample with the patch on it. @param opacity - 1: the patch covers what is below it */
export function stamped(x: Float32Array, { places, values }: Patch, opacity = 1): Float32Array {
  const out = x.slice()
  places.forEach((place, k) => {
    out[place] = (1 - opacity) * out[place]! + opacity * values[k]!
  })
  return out
}
