import { GauntletError } from '../errors.js'
import { assemble } from './assemble.js'
import type { Dataset, DatasetSpec } from './dataset.js'
import { isFolder, listFolder, readBytes } from './files.js'
import { drawGlyphs, glyphClasses } from './glyphs.js'
import type { RawSamples } from './raw.js'
import { formatError } from './raw.js'
import { readers } from './readers/index.js'
import type { DataReader, DataSource } from './readers/reader.js'

const defaultGlyphs = { limit: 512, seed: 1 }
const maxGlyphs = 1_000_000

/**
 * Reads, checks and normalises a data set: channels-first, class indices, values in shared memory.
 *
 * The format is found from the bytes, then from the name. Ranges: uint8 arrays and `range` [0, 255]
 * are 8-bit pixels (divisor 255, attack space [0, 1]); other arrays are held to [0, 1], tables to
 * their own extent, unless `range` says otherwise; then values stay as they are. A sample outside its
 * range is an error, never clipped (but for float rounding, 1e-6 of the width).
 *
 * @throws GauntletError GNT_FILE, GNT_DATA_FORMAT, GNT_DATA_VALUES, GNT_DATA_SHAPE; GNT_USAGE for a
 *   specification that no file could satisfy
 */
export async function loadDataset(spec: DatasetSpec): Promise<Dataset> {
  checkSpec(spec)
  return assemble(spec, await readRaw(spec))
}

async function readRaw(spec: DatasetSpec): Promise<RawSamples> {
  if (spec.format === 'glyphs' || (spec.format === undefined && spec.path === 'glyphs'))
    return readGlyphs(spec)
  const source = await openSource(spec)
  const reader = chooseReader(source)
  if (source.names && !reader.readsFolders)
    throw new GauntletError('GNT_FILE', {
      what: 'a folder where a file is expected',
      where: spec.path,
      fix: `name the ${reader.format} file`,
    })
  if (!source.names && reader.format === 'image-folder')
    throw new GauntletError('GNT_FILE', {
      what: 'a file where a folder is expected',
      where: spec.path,
      fix: 'name the folder that holds the class folders',
    })
  if (spec.labels !== undefined && !['npz', 'npy', 'idx'].includes(reader.format))
    throw new GauntletError('GNT_USAGE', {
      what: 'a label file beside data that hold their own labels',
      where: spec.path,
      got: `labels ${spec.labels} for ${reader.format}`,
      expected: 'one only for npz, npy and idx',
    })
  return reader.read(source)
}

async function openSource(spec: DatasetSpec): Promise<DataSource> {
  const { path } = spec
  if (await isFolder(path))
    return { spec, path, bytes: new Uint8Array(0), names: await listFolder(path) }
  const bytes = await readBytes(path)
  if (bytes.length === 0) throw formatError('file is empty', path, { got: '0 bytes' })
  return { spec, path, bytes }
}

function chooseReader(source: DataSource): DataReader {
  const { spec, path, names } = source
  const found =
    spec.format !== undefined
      ? readers.find(({ format }) => format === spec.format)
      : (readers.find((reader) => reader.isCertain(source)) ??
        readers.find(({ extension, readsFolders }) =>
          names ? readsFolders && extension.test('') : extension.test(path),
        ))
  if (!found)
    throw formatError('format not recognised', path, {
      expected: readers.map(({ format }) => format).join(', '),
      fix: 'state the format, or convert the data to .npz with keys x and y',
    })
  return found
}

function readGlyphs(spec: DatasetSpec): RawSamples {
  const count = spec.limit ?? defaultGlyphs.limit
  if (count > maxGlyphs)
    throw new GauntletError('GNT_USAGE', {
      what: 'too many synthetic samples',
      where: spec.path,
      got: String(count),
      expected: `at most ${maxGlyphs}`,
    })
  const { values, labels } = drawGlyphs({ count, seed: spec.seed ?? defaultGlyphs.seed })
  return {
    format: 'glyphs',
    values: { data: values, shape: [count, 1, 28, 28], kind: 'uint8' },
    labels: { data: labels, shape: [count], kind: 'integer' },
    layout: 'nchw',
    classes: glyphClasses.length,
    classNames: glyphClasses,
  }
}

function checkSpec({ path, limit, classes, range }: DatasetSpec): void {
  const refuse = (what: string, got: string, expected: string) => {
    throw new GauntletError('GNT_USAGE', { what, where: path, got, expected })
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1))
    refuse('wrong limit of samples', String(limit), 'a whole number from 1')
  if (classes !== undefined && !(Number.isSafeInteger(classes) && classes >= 2))
    refuse('wrong number of classes', String(classes), 'a whole number from 2')
  if (range && !(range.every(Number.isFinite) && range[0] < range[1]))
    refuse('wrong range', range.join('..'), 'LOW..HIGH with LOW below HIGH')
}
