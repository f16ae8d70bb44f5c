import { createHash, type Hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { GauntletError } from '../errors.js'
import type { ExternalReader } from './decode-tensor.js'

/** The external data files of one model: reads ranges of them, and only inside the model's folder. */
export interface ExternalData {
  readonly read: ExternalReader
  /** Adds every file read so far, in order of location, to a digest. */
  addTo(hash: Hash): void
  /** Real paths of all files read so far. */
  files(): readonly string[]
  /** Bytes of all files read so far. */
  sizeBytes(): number
  close(): void
}

interface OpenFile {
  readonly fd: number
  readonly path: string
  readonly sizeBytes: number
  readonly ranges: Map<string, Uint8Array>
  readBytes: number
}

/**
 * The locations in a model file are untrusted: absolute paths, `..`, symbolic links that lead out, ranges
 * beyond the file's end and overlapping ranges (more bytes than the file has) are refused before anything is allocated.
 *
 * @param folder - where the model file lies
 * @param model - the model's path, for messages
 */
export function openExternalData(folder: string, model: string): ExternalData {
  const files = new Map<string, OpenFile>()
  const bad = (what: string, location: string, more: { got?: string; fix?: string } = {}) =>
    new GauntletError('GNT_MODEL_FORMAT', {
      what,
      where: `${model}, external data ${location}`,
      ...more,
    })

  const open = (location: string): OpenFile => {
    const path = resolveInside(folder, location)
    if (path === undefined)
      throw bad('external data must stay inside the folder of the model', location)
    try {
      // Non-blocking, so that a named pipe is refused rather than waited for.
      const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const stat = fstatSync(fd)
      const file = {
        fd,
        path,
        sizeBytes: stat.size,
        ranges: new Map<string, Uint8Array>(),
        readBytes: 0,
      }
      files.set(location, file)
      if (!stat.isFile()) throw new Error('not a regular file')
      return file
    } catch (cause) {
      throw unreadable(model, location, cause)
    }
  }

  return {
    read({ location, offset, length }, type) {
      const file = files.get(location) ?? open(location)
      const key = `${offset}+${length}`
      const known = file.ranges.get(key)
      if (known) return { ...type, data: known }
      if (offset + length > file.sizeBytes) {
        const got = `bytes ${offset} to ${offset + length} of ${file.sizeBytes}`
        throw bad('external data is shorter than the model says', location, { got })
      }
      file.readBytes += length
      if (file.readBytes > file.sizeBytes) throw bad('external tensors overlap', location)
      try {
        const bytes = readRange(file.fd, offset, length)
        file.ranges.set(key, bytes)
        return { ...type, data: bytes }
      } catch (cause) {
        throw unreadable(model, location, cause)
      }
    },
    addTo(hash) {
      for (const [location, file] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        try {
          hash.update(`\0${location}\0`).update(digestOf(file))
        } catch (cause) {
          throw unreadable(model, location, cause)
        }
      }
    },
    files: () => [...files.values()].map(({ path }) => path),
    sizeBytes: () => [...files.values()].reduce((sum, file) => sum + file.sizeBytes, 0),
    close() {
      for (const { fd } of files.values()) closeSync(fd)
      files.clear()
    },
  }
}

/** The real path of a location, or undefined when it leads out of the folder. A missing file resolves to where it would be. */
function resolveInside(folder: string, location: string): string | undefined {
  const parts = location.split(/[/\\]/)
  if (isAbsolute(location) || /^[A-Za-z]:|\0/.test(location) || parts.includes('..'))
    return undefined
  const root = realpathSync(folder)
  const path = join(root, ...parts)
  let real: string
  try {
    real = realpathSync(path)
  } catch {
    return path
  }
  const inside = relative(root, real)
  return inside !== '' && !isAbsolute(inside) && inside.split(sep)[0] !== '..' ? real : undefined
}

/** `readSync` may give less than asked for, and at most 2 GiB at once. */
function readRange(fd: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length;) {
    const count = readSync(fd, bytes, at, Math.min(length - at, 2 ** 30), offset + at)
    if (count === 0) throw new Error('the file became shorter while it was read')
    at += count
  }
  return bytes
}

function digestOf({ fd, sizeBytes }: OpenFile): Buffer {
  const hash = createHash('sha256')
  const step = 2 ** 22
  for (let at = 0; at < sizeBytes; at += step) {
    hash.update(readRange(fd, at, Math.min(step, sizeBytes - at)))
  }
  return hash.digest()
}

function unreadable(model: string, location: string, cause: unknown): GauntletError {
  return new GauntletError(
    'GNT_FILE',
    {
      what: 'external data of the model cannot be read',
      where: `${model}, external data ${location}`,
      got: cause instanceof Error ? cause.message : undefined,
    },
    { cause },
  )
}
