import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { GauntletError } from '../errors.js'
import { propertyError } from './problem.js'
import { parseVnnlib, type Property } from './vnnlib.js'

/** Bounds of a million inputs take a tenth of it. */
const mostBytes = 2 ** 28

/**
 * Reads a property, plain or gzip. The file is untrusted: it may be of at most 256 MiB, packed or not.
 *
 * @throws GNT_FILE when it cannot be read; GNT_PROPERTY when it is no VNN-LIB
 */
export async function loadProperty(path: string): Promise<Property> {
  return parseVnnlib(textOf(await readBounded(path), path), path)
}

function textOf(bytes: Uint8Array, path: string): string {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  const plain = isGzip ? unpack(bytes, path) : bytes
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(plain)
  } catch (cause) {
    throw propertyError('not a text file', path, null, {
      expected: 'VNN-LIB 1.0, plain or gzip',
      cause,
    })
  }
}

function unpack(bytes: Uint8Array, path: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: mostBytes })
  } catch (cause) {
    throw propertyError('gzip data is damaged, truncated or larger than 256 MiB', path, null, {
      cause,
    })
  }
}

/** @throws GNT_FILE for what is missing, too large, or not a regular file */
export async function readBounded(path: string): Promise<Uint8Array> {
  const refuse = (got: string, cause?: unknown): GauntletError =>
    new GauntletError('GNT_FILE', { what: 'the file cannot be read', where: path, got }, { cause })
  try {
    // Non-blocking, so that a named pipe is refused rather than waited for.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = await file.stat()
      if (stat.isDirectory()) throw refuse('a folder')
      if (!stat.isFile()) throw refuse('something that is not a regular file')
      if (stat.size > mostBytes) throw refuse(`${stat.size} bytes, over 256 MiB`)
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof GauntletError) throw error
    const code = (error as NodeJS.ErrnoException).code
    throw refuse(code === 'ENOENT' ? 'no such file' : (code ?? String(error)), error)
  }
}
