import { crc32, inflateRawSync } from 'node:zlib'
import { maxUnpackedBytes } from './files.js'
import { formatError, printable } from './raw.js'

/** One file of a zip archive, as its central directory describes it. Nothing in it is trusted. */
export interface ZipEntry {
  readonly name: string
  /** 0 stored, 8 deflate. */
  readonly method: number
  readonly isEncrypted: boolean
  readonly crc: number
  readonly packedBytes: number
  readonly unpackedBytes: number
  /** Offset of the local header. */
  readonly offset: number
}

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50
/** Deflate cannot do better than 258 bytes from 2 bits; a directory that claims more is wrong. */
const maxDeflateRatio = 1032

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5)
}

/**
 * Entries of a zip archive, from its central directory. Our own reader, because a damaged archive has
 * to be noticed: the sizes are checked here before anything is unpacked, the CRC in `unpackEntry`.
 *
 * @param base - offset in the file of the first of these bytes: the directory stands at the end, and is all that is read
 * @throws GauntletError GNT_DATA_FORMAT
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
 */
export function listZip(bytes: Uint8Array, where: string, base = 0): readonly ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = findEnd(view)
  if ((base === 0 && !isZip(bytes)) || end === undefined)
    throw formatError('not a zip archive, or truncated', where, { got: `${bytes.length} bytes` })
  const count = view.getUint16(end + 10, true)
  let at = view.getUint32(end + 16, true)
  if (count === 0xffff || at === 0xffffffff)
    throw formatError('archive of more than 4 GiB', where, { expected: 'at most 2 GiB' })
  at -= base
  if (at < 0) throw formatError('zip directory of more members than are read', where)
  const entries: ZipEntry[] = []
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== entrySignature)
      throw formatError('damaged zip directory', where, { got: `${i} of ${count} entries` })
    const nameLength = view.getUint16(at + 28, true)
    entries.push({
      name: Buffer.from(bytes.subarray(at + 46, at + 46 + nameLength)).toString('utf8'),
      method: view.getUint16(at + 10, true),
      isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      unpackedBytes: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    })
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  return entries
}

/** @throws GauntletError GNT_DATA_FORMAT; nothing is unpacked before its size has been judged */
export function unpackEntry(
  bytes: Uint8Array,
  entry: ZipEntry,
  where: string,
  limitBytes = maxUnpackedBytes,
): Uint8Array {
  const place = `${where}, ${printable(entry.name)}`
  if (entry.unpackedBytes > limitBytes)
    throw formatError('archive unpacks to too much', place, {
      got: `${entry.unpackedBytes} bytes`,
      expected: `at most ${limitBytes}`,
    })
  if (entry.isEncrypted) throw formatError('archive is encrypted', place)
  const packed = packedBytes(bytes, entry, place)
  const unpacked = entry.method === 8 ? inflate(packed, entry, place) : packed
  if (entry.method !== 8 && entry.method !== 0)
    throw formatError('zip method that is not read', place, {
      got: String(entry.method),
      expected: '0 (stored) or 8 (deflate)',
    })
  if (unpacked.length !== entry.unpackedBytes || crc32(unpacked) !== entry.crc)
    throw formatError('damaged archive: checksum or size does not match', place)
  return unpacked
}

function inflate(packed: Uint8Array, entry: ZipEntry, place: string): Uint8Array {
  if (entry.unpackedBytes > packed.length * maxDeflateRatio)
    throw formatError('damaged archive: impossible size', place, {
      got: `${entry.unpackedBytes} bytes out of ${packed.length}`,
    })
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.unpackedBytes) })
  } catch (cause) {
    throw formatError('damaged archive: cannot be unpacked', place, { cause })
  }
}

function packedBytes(bytes: Uint8Array, entry: ZipEntry, place: string): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { offset } = entry
  if (offset + 30 > bytes.length || view.getUint32(offset, true) !== localSignature)
    throw formatError('damaged archive: entry is missing', place)
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true)
  if (start + entry.packedBytes > bytes.length) throw formatError('archive is truncated', place)
  return bytes.subarray(start, start + entry.packedBytes)
}

/** The end record is last, followed only by a comment of at most 65,535 bytes. */
function findEnd(view: DataView): number | undefined {
  const least = Math.max(0, view.byteLength - 22 - 0xffff)
  for (let at = view.byteLength - 22; at >= least; at--)
    if (view.getUint32(at, true) === endSignature) return at
  return undefined
}
