import { parse } from 'csv-parse/sync'
import { GauntletError } from '../../errors.js'
import type { RawArray } from '../raw.js'
import { formatError, printable } from '../raw.js'
import type { DataReader } from './reader.js'

const labelNames = ['label', 'y', 'class', 'target']

/**
 * A table with a header. The column `label`, `y`, `class` or `target` (any case), or else the last one, holds the
 * labels: class indices, or names, which are numbered in sorted order. All others are numeric features.
 */
export const csvReader: DataReader = {
  format: 'csv',
  readsFolders: false,
  extension: /\.(csv|tsv)$/i,
  isCertain: () => false,
  read({ path, bytes }) {
    if (bytes.includes(0)) throw formatError('not a text file', path, { got: 'zero bytes' })
    const [header = [], ...rows] = parseRows(bytes, path)
    if (header.length < 2)
      throw formatError('table has no features', path, { got: `${header.length} columns` })
    if (header.every((name) => isNumber(name)))
      throw formatError('table has no header', path, {
        got: `numbers in line 1`,
        expected: 'column names',
        fix: 'put a line of names on top',
      })
    const lower = header.map((name) => name.toLowerCase())
    const named = labelNames.map((name) => lower.indexOf(name)).find((column) => column >= 0)
    const labelColumn = named ?? header.length - 1
    const width = header.length - 1
    const data = new Float64Array(rows.length * width)
    rows.forEach((row, sample) => {
      row
        .filter((_, column) => column !== labelColumn)
        .forEach((text, feature) => {
          if (!isNumber(text)) {
            const name = header[feature < labelColumn ? feature : feature + 1]
            throw notNumeric(text, `${path}, sample ${sample}, column ${printable(name ?? '')}`)
          }
          data[sample * width + feature] = Number(text)
        })
    })
    return {
      format: 'csv',
      values: { data, shape: [rows.length, width], kind: 'float' },
      isTable: true,
      featureNames: header.filter((_, column) => column !== labelColumn),
      ...labelsOf(
        rows.map((row) => row[labelColumn] ?? ''),
        path,
      ),
    }
  },
}

function parseRows(bytes: Uint8Array, path: string): readonly (readonly string[])[] {
  const firstLine = Buffer.from(bytes.subarray(0, 65_536)).toString('utf8').split('\n', 1)[0] ?? ''
  const counts = [',', ';', '\t'].map((mark) => ({ mark, count: firstLine.split(mark).length }))
  const delimiter = counts.reduce((best, next) => (next.count > best.count ? next : best)).mark
  try {
    return parse(Buffer.from(bytes), { bom: true, delimiter, skip_empty_lines: true, trim: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unreadable'
    throw formatError('table cannot be read', path, { got: printable(reason), cause })
  }
}

function labelsOf(
  texts: readonly string[],
  path: string,
): { labels: RawArray; classNames?: string[] } {
  const shape = [texts.length]
  const numbers = Float64Array.from(texts, (text) => (isNumber(text) ? Number(text) : Number.NaN))
  const firstName = numbers.findIndex(Number.isNaN)
  if (firstName < 0) return { labels: { data: numbers, shape, kind: 'float' } }
  const isMixed = numbers.some((value) => !Number.isNaN(value)) || texts.includes('')
  if (isMixed) {
    const sample = texts.includes('') ? texts.indexOf('') : firstName
    throw notNumeric(texts[sample] ?? '', `${path}, sample ${sample}, label`)
  }
  const classNames = [...new Set(texts)].sort()
  const data = Int32Array.from(texts, (text) => classNames.indexOf(text))
  return { labels: { data, shape, kind: 'integer' }, classNames }
}

/** Also NaN and Infinity in words, which the check of the values reports. */
function isNumber(text: string): boolean {
  return (
    text !== '' && (!Number.isNaN(Number(text)) || /^nan$/i.test(text) || /^[+-]?inf/i.test(text))
  )
}

function notNumeric(text: string, where: string): GauntletError {
  return new GauntletError('GNT_DATA_VALUES', {
    what: text === '' ? 'empty cell' : 'cell is not a number',
    where,
    got: `"${printable(text)}"`,
    expected: 'a number',
  })
}
