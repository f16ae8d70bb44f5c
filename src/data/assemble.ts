import { GauntletError } from '../errors.js'
import { canonicalJson, sha256 } from '../util/hash.js'
import type { Dataset, DatasetSpec } from './dataset.js'
import { sampleSize } from './dataset.js'
import { readLabels } from './labels.js'
import { resolveLayout, storedOrder } from './layout.js'
import type { RawSamples } from './raw.js'
import { checkScale, shareValues } from './values.js'

/**
 * Checks what a reader found against what the user declared, and brings it into the one form that
 * the harness works on: channels first, shared memory, class indices.
 *
 * @throws GauntletError GNT_DATA_SHAPE, GNT_DATA_VALUES
 */
export function assemble(spec: DatasetSpec, raw: RawSamples): Dataset {
  const where = spec.path
  const total = raw.values.shape[0] ?? 0
  if (total === 0)
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'the data set is empty',
      where,
      got: '0 samples',
      expected: 'at least 1',
    })
  const layout = resolveLayout(raw.values.shape, raw.layout ?? spec.layout, where)
  const { shape } = layout
  const size = sampleSize(layout)
  const declared = spec.classes ?? raw.classes
  const { labels: all, classes } = readLabels(raw.labels, total, declared, where)

  const count = Math.min(total, spec.limit ?? total)
  const isTable = raw.isTable ?? false
  const data = raw.values.data.subarray(0, count * size)
  // A table's range is that of the whole table: a limit must not change the attacks' space.
  const scaled = isTable ? raw.values : { ...raw.values, data }
  const scale = checkScale(scaled, size, spec.range, isTable, where)
  const { divisor } = scale
  const range = [scale.low / divisor, scale.high / divisor] as const
  const values = shareValues(data, storedOrder(layout), scale)
  const labels = all.slice(0, count)
  return Object.freeze({
    source: spec.path,
    format: raw.format,
    digest: digestOf({ count, shape, divisor, range, values, labels }),
    count,
    shape,
    range,
    divisor,
    values,
    labels,
    classes,
    stored: { shape: raw.values.shape.slice(1), isChannelsLast: layout.isChannelsLast },
    classNames: raw.classNames?.length === classes ? raw.classNames : undefined,
    featureNames: raw.featureNames,
  })
}

/** The stored form is canonical (`shareValues`), so equal samples have equal digests in every format. */
function digestOf(
  set: Pick<Dataset, 'count' | 'shape' | 'divisor' | 'range' | 'values' | 'labels'>,
): string {
  const { count, shape, divisor, range, values, labels } = set
  const type = values instanceof Uint8Array ? 'uint8' : 'float32'
  return sha256(
    canonicalJson({ count, shape, divisor, range, type }),
    asBytes(values),
    asBytes(labels),
  )
}

function asBytes({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
