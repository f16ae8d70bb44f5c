import { join } from 'node:path'
import type { DatasetSpec } from '../dataset.js'
import { isFolder, isGzip, listFolder } from '../files.js'
import { idxValues, isIdx, readHeader } from '../idx.js'
import { elementType, isNpy, npyValues, parseHeader, parseNpy } from '../npy.js'
import type { NumericArray, RawArray } from '../raw.js'
import { formatError, printable, product } from '../raw.js'
import { filesIn, pixels, variantOf } from '../readers/cifar-binary.js'
import { findLabels as findIdxLabels } from '../readers/idx.js'
import { readLabelFile } from '../readers/label-file.js'
import { findLabels as findNpyLabels } from '../readers/npy.js'
import { keyPairs } from '../readers/npz.js'
import { isZip, listZip, unpackEntry, type ZipEntry } from '../zip.js'
import { bytesOf, fileSize, headOf, readRange, recordsOf, type Stretch } from './bytes.js'

/** Samples in a file, which are read in order, some at a time. */
export interface StoredSamples {
  readonly format: string
  /** (N, ...sample), as stored. */
  readonly shape: readonly number[]
  readonly kind: RawArray['kind']
  readonly labels: RawArray
  readonly layout?: 'nchw' | undefined
  readonly classes?: number | undefined
  /** Values of `count` samples a time. @throws GNT_DATA_FORMAT where the file ends too soon */
  pieces(count: number): AsyncIterable<NumericArray>
}

/** Longest header that is looked at. */
const headBytes = 2 ** 16

/** @returns undefined for a format that is read whole only */
export async function openStored(spec: DatasetSpec): Promise<StoredSamples | undefined> {
  const { path } = spec
  if (await isFolder(path)) return openCifar(path, filesIn(await listFolder(path)))
  const head = await headOf({ path, start: 0 }, headBytes)
  if (isZip(head)) return openNpz(spec)
  if (isNpy(head)) {
    const labels = spec.labels ?? (await findNpyLabels(path))
    return labels === undefined
      ? undefined
      : openNpy('npy', { path, start: 0 }, path, await readLabelFile(labels))
  }
  if (isGzip(head) || isIdx(head)) return openIdx(spec, isGzip(head))
  return /\.bin$/i.test(path) ? openCifar('', [path]) : undefined
}

async function openNpy(
  format: string,
  stretch: Stretch,
  where: string,
  labels: RawArray,
): Promise<StoredSamples> {
  const { descr, isFortran, shape, start } = parseHeader(await headOf(stretch, headBytes), where)
  if (isFortran)
    throw formatError('array in Fortran order cannot be read in parts', where, {
      fix: 'save np.ascontiguousarray(x)',
    })
  const type = elementType(descr, where)
  const bytes = product(shape.slice(1)) * type.bytes
  return {
    format,
    shape,
    kind: type.kind,
    labels,
    async *pieces(count) {
      const options = { skip: start, bytes, total: shape[0] ?? 0, count, where }
      for await (const piece of recordsOf(bytesOf(stretch), options))
        yield npyValues(piece, descr, where)
    },
  }
}

const directoryBytes = 2 ** 20

async function openNpz(spec: DatasetSpec): Promise<StoredSamples | undefined> {
  const { path } = spec
  const size = await fileSize(path)
  const base = Math.max(0, size - directoryBytes)
  const entries = listZip(await readRange(path, base, size), path, base)
  const find = (key: string) => entries.find(({ name }) => name.toLowerCase() === `${key}.npy`)
  for (const [xKey, yKey] of keyPairs) {
    const [x, y] = [find(xKey), find(yKey)]
    if (!x || (!y && spec.labels === undefined)) continue
    const labels =
      spec.labels === undefined ? await readMember(path, y!) : await readLabelFile(spec.labels)
    return openNpy('npz', await memberOf(path, x), `${path}, ${printable(x.name)}`, labels)
  }
  // The reader of whole files says what is missing.
  return undefined
}

/** Where a member's own bytes lie. Source: PKWARE APPNOTE 6.3.10, section 4.3.7. */
async function memberOf(path: string, entry: ZipEntry): Promise<Stretch> {
  const place = `${path}, ${printable(entry.name)}`
  if (entry.isEncrypted) throw formatError('archive is encrypted', place)
  if (entry.method !== 0 && entry.method !== 8)
    throw formatError('zip method that is not read', place, {
      got: String(entry.method),
      expected: '0 (stored) or 8 (deflate)',
    })
  const header = Buffer.from(await readRange(path, entry.offset, entry.offset + 30))
  if (header.length < 30 || header.readUInt32LE(0) !== 0x04034b50)
    throw formatError('damaged archive: entry is missing', place)
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
  const packing = entry.method === 8 ? 'deflate' : undefined
  return { path, start, end: start + entry.packedBytes, packing }
}

/** A small member, whole. */
async function readMember(path: string, entry: ZipEntry): Promise<RawArray> {
  const { start, end = start } = await memberOf(path, entry)
  const bytes = await readRange(path, entry.offset, end)
  const unpacked = unpackEntry(bytes, { ...entry, offset: 0 }, path)
  return parseNpy(unpacked, `${path}, ${printable(entry.name)}`)
}

async function openIdx(spec: DatasetSpec, isPacked: boolean): Promise<StoredSamples | undefined> {
  const { path } = spec
  const stretch: Stretch = { path, start: 0, packing: isPacked ? 'gzip' : undefined }
  const head = await headOf(stretch, headBytes)
  const header = isIdx(head) ? readHeader(head) : undefined
  const labels = spec.labels ?? (await findIdxLabels(path))
  if (!header || labels === undefined) return undefined
  const { type, start, shape } = header
  const bytes = product(shape.slice(1)) * type.bytes
  return {
    format: 'idx',
    shape,
    kind: type.kind,
    labels: await readLabelFile(labels),
    async *pieces(count) {
      const options = { skip: start, bytes, total: shape[0] ?? 0, count, where: path }
      for await (const piece of recordsOf(bytesOf(stretch), options)) yield idxValues(piece, type)
    },
  }
}

async function openCifar(
  folder: string,
  names: readonly string[],
): Promise<StoredSamples | undefined> {
  const paths = names.map((name) => join(folder, name))
  const sizes = await Promise.all(paths.map(fileSize))
  if (paths.length === 0) return undefined
  const variant = variantOf(sizes, names[0]!)
  const record = pixels + variant.labelBytes
  if (sizes.some((size) => size === 0 || size % record !== 0)) return undefined
  const total = sizes.reduce((sum, size) => sum + size, 0) / record
  async function* records(count: number): AsyncIterable<Uint8Array> {
    for (const [i, path] of paths.entries()) {
      const options = { skip: 0, bytes: record, total: sizes[i]! / record, count, where: path }
      yield* recordsOf(bytesOf({ path, start: 0 }), options)
    }
  }
  const labels = new Uint8Array(total)
  let row = 0
  for await (const piece of records(256))
    for (let at = 0; at < piece.length; at += record)
      labels[row++] = piece[at + variant.labelBytes - 1]!
  return {
    format: variant.name,
    shape: [total, 3, 32, 32],
    kind: 'uint8',
    labels: { data: labels, shape: [total], kind: 'uint8' },
    layout: 'nchw',
    classes: variant.classes,
    async *pieces(count) {
      for await (const piece of records(count)) {
        const out = new Uint8Array((piece.length / record) * pixels)
        for (let i = 0; i * record < piece.length; i++) {
          const at = i * record + variant.labelBytes
          out.set(piece.subarray(at, at + pixels), i * pixels)
        }
        yield out
      }
    },
  }
}
