import { GauntletError } from '../errors.js'
import type { RawArray } from './raw.js'
import { shapeText } from './raw.js'

export interface Labels {
  readonly labels: Int32Array
  readonly classes: number
}

/**
 * Class indices from what the file holds: (N), (N, 1), or one-hot rows (N, K).
 *
 * @param declared - number of classes the user or the format states; else K, or 1 + the greatest label
 * @throws GauntletError GNT_DATA_SHAPE for the wrong number of labels, GNT_DATA_VALUES for wrong ones
 */
export function readLabels(
  raw: RawArray,
  count: number,
  declared: number | undefined,
  where: string,
): Labels {
  const [rows, width = 1] = raw.shape
  if (rows !== count || raw.shape.length > 2)
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'labels do not fit the samples',
      where,
      got: `labels of shape ${shapeText(raw.shape)} for ${count} samples`,
      expected: `(${count})`,
    })
  const indices = width === 1 ? raw.data : fromOneHot(raw, count, width, where)
  const labels = new Int32Array(count)
  const limit = declared ?? 2 ** 31 - 1
  let greatest = 0
  for (let i = 0; i < count; i++) {
    const label = indices[i] ?? Number.NaN
    if (!Number.isInteger(label) || label < 0 || label >= limit)
      throw new GauntletError('GNT_DATA_VALUES', {
        what: Number.isInteger(label) ? 'label outside the classes' : 'label is not a class index',
        where: `${where}, sample ${i}`,
        got: String(label),
        expected: `an integer ${declared ? `0..${declared - 1}` : 'from 0'}`,
        fix: label === declared ? 'subtract 1 if the labels begin at 1' : 'check the labels',
      })
    labels[i] = label
    greatest = Math.max(greatest, label)
  }
  return { labels, classes: declared ?? (width > 1 ? width : greatest + 1) }
}

function fromOneHot(raw: RawArray, count: number, width: number, where: string): Int32Array {
  const indices = new Int32Array(count)
  for (let row = 0; row < count; row++) {
    const values = raw.data.subarray(row * width, (row + 1) * width)
    const index = values.indexOf(1)
    if (index < 0 || values.some((value, column) => value !== (column === index ? 1 : 0)))
      throw new GauntletError('GNT_DATA_VALUES', {
        what: 'labels are neither class indices nor one-hot rows',
        where: `${where}, sample ${row}`,
        got: `[${Array.from(values.subarray(0, 8)).join(', ')}${width > 8 ? ', …' : ''}]`,
        expected: 'one 1 and zeros, or one label a sample',
      })
    indices[row] = index
  }
  return indices
}
