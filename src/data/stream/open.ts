import { GauntletError } from '../../errors.js'
import type { DatasetSpec } from '../dataset.js'
import { readLabels } from '../labels.js'
import { resolveLayout, storedOrder } from '../layout.js'
import type { NumericArray } from '../raw.js'
import { checkScale, clip, type Scale } from '../values.js'
import { openStored } from './stored.js'

/** A checked data set on disk, read from the start as often as needed. Labels alone are held in memory. */
export interface StreamedDataset {
  readonly source: string
  readonly format: string
  readonly count: number
  /** Of one sample, channels first. */
  readonly shape: readonly number[]
  readonly range: readonly [number, number]
  readonly classes: number
  readonly labels: Int32Array
  /** `samples` a time, (n, ...shape), in the data set's units: what `takeSamples` gives of a `Dataset`. */
  batches(samples: number): AsyncIterable<{ readonly from: number; readonly x: Float32Array }>
}

/** Bytes of values in memory for a batch of the first pass. */
const checkedBytes = 2 ** 24

/**
 * Opens npy, npz (its members stored or deflated), IDX (also .gz) and CIFAR's binary files for reading in parts, and
 * checks every value once, as `loadDataset` does.
 *
 * @returns undefined for a format that is read whole only
 * @throws GauntletError as `loadDataset`
 */
export async function openStream(spec: DatasetSpec): Promise<StreamedDataset | undefined> {
  const stored = await openStored(spec)
  if (!stored) return undefined
  const where = spec.path
  const total = stored.shape[0] ?? 0
  if (total === 0)
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'the data set is empty',
      where,
      got: '0 samples',
      expected: 'at least 1',
    })
  const layout = resolveLayout(stored.shape, stored.layout ?? spec.layout, where)
  const size = layout.shape.reduce((product, side) => product * side, 1)
  const declared = stored.classes ?? spec.classes
  const { labels: all, classes } = readLabels(stored.labels, total, declared, where)
  const count = Math.min(total, spec.limit ?? total)
  const perPiece = Math.max(1, Math.floor(checkedBytes / (4 * size)))

  async function* pieces(samples: number): AsyncIterable<{ from: number; data: NumericArray }> {
    let from = 0
    for await (const piece of stored!.pieces(samples)) {
      const data = piece.subarray(0, (count - from) * size)
      yield { from, data }
      from += data.length / size
      if (from >= count) break
    }
  }
  let scale: Scale | undefined
  for await (const { from, data } of pieces(perPiece)) {
    const raw = { data, shape: [data.length / size, ...layout.shape], kind: stored.kind }
    scale = checkScale(raw, size, spec.range, false, where, from)
  }
  const { low, high, divisor } = scale!
  const order = storedOrder(layout)
  return {
    source: spec.path,
    format: stored.format,
    count,
    shape: layout.shape,
    range: [low / divisor, high / divisor],
    classes,
    labels: all.slice(0, count),
    async *batches(samples) {
      for await (const { from, data } of pieces(samples))
        yield { from, x: inUnits(data, order, scale!) }
    },
  }
}

function inUnits(data: NumericArray, order: Int32Array | undefined, scale: Scale): Float32Array {
  const out = new Float32Array(data.length)
  if (!order) out.set(data)
  else
    for (let base = 0; base < data.length; base += order.length)
      for (let i = 0; i < order.length; i++) out[base + i] = data[base + order[i]!]!
  clip(out, scale.low, scale.high)
  if (scale.divisor !== 1) for (let i = 0; i < out.length; i++) out[i]! /= scale.divisor
  return out
}
