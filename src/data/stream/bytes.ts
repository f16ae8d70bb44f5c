import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createGunzip, createInflateRaw } from 'node:zlib'
import { GauntletError } from '../../errors.js'
import { formatError } from '../raw.js'

/** A stretch of a file, as it is or inflated. */
export interface Stretch {
  readonly path: string
  readonly start: number
  /** First byte that no longer belongs to it; default the end of the file. */
  readonly end?: number | undefined
  readonly packing?: 'gzip' | 'deflate' | undefined
}

const chunkBytes = 2 ** 20

/** Its bytes in order. The file is closed when the reader stops, early or not. @throws GNT_FILE, GNT_DATA_FORMAT */
export async function* bytesOf({ path, start, end, packing }: Stretch): AsyncIterable<Uint8Array> {
  const file = createReadStream(path, {
    start,
    ...(end === undefined ? {} : { end: end - 1 }),
    highWaterMark: chunkBytes,
  })
  const unpacked =
    packing === undefined
      ? file
      : file.pipe(packing === 'gzip' ? createGunzip() : createInflateRaw())
  // A pipe does not hand errors on.
  file.on('error', (error) => unpacked.destroy(error))
  try {
    for await (const chunk of unpacked) yield chunk as Uint8Array
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
    if (code.startsWith('Z_') || code === 'ERR_INVALID_ARG_TYPE')
      throw formatError('damaged archive: cannot be unpacked', path, { cause })
    throw new GauntletError('GNT_FILE', { what: `cannot read (${code})`, where: path }, { cause })
  } finally {
    file.destroy()
  }
}

/** The first bytes of a stretch; fewer where it is shorter. */
export async function headOf(stretch: Stretch, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let read = 0
  for await (const chunk of bytesOf(stretch)) {
    parts.push(chunk)
    read += chunk.length
    if (read >= length) break
  }
  return new Uint8Array(Buffer.concat(parts).subarray(0, length))
}

/** Bytes `start` to `end` of a file. */
export async function readRange(path: string, start: number, end: number): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const out = new Uint8Array(end - start)
    const { bytesRead } = await file.read(out, 0, out.length, start)
    return out.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

export const fileSize = async (path: string): Promise<number> => (await stat(path)).size

/**
 * Cuts a stream into records: pieces of `count` × `bytes`, the last one shorter.
 * @param skip - bytes of a header before the first record
 * @throws GNT_DATA_FORMAT where the stream ends inside a record, or before `total` of them
 */
export async function* recordsOf(
  stream: AsyncIterable<Uint8Array>,
  options: {
    readonly skip: number
    readonly bytes: number
    readonly total: number
    readonly count: number
    readonly where: string
  },
): AsyncIterable<Uint8Array> {
  const { bytes, total, where } = options
  const piece = new Uint8Array(options.count * bytes)
  let { skip } = options
  let filled = 0
  let left = total * bytes
  for await (const chunk of stream) {
    let at = Math.min(skip, chunk.length)
    skip -= at
    while (at < chunk.length && left > 0) {
      const take = Math.min(piece.length - filled, chunk.length - at, left)
      piece.set(chunk.subarray(at, at + take), filled)
      filled += take
      at += take
      left -= take
      if (filled < piece.length) continue
      yield piece.slice()
      filled = 0
    }
    if (left === 0) break
  }
  if (left > 0)
    throw formatError('array is truncated', where, {
      got: `${Math.floor((total * bytes - left) / bytes)} samples`,
      expected: String(total),
    })
  if (filled > 0) yield piece.slice(0, filled)
}
