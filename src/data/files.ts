import { readFile, readdir, stat } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { GauntletError } from '../errors.js'
import { formatError } from './raw.js'

/** The most that one archive or compressed file may unpack to. */
export const maxUnpackedBytes = 2 ** 31

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'no such file or folder',
  EACCES: 'no permission to read',
  EPERM: 'no permission to read',
  EISDIR: 'a folder where a file is expected',
  ERR_FS_FILE_TOO_LARGE: 'file larger than 2 GiB',
}

/** Runs a file-system call; its failures become GNT_FILE. */
async function orFileError<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
    const what = causes[code] ?? `cannot read (${code})`
    throw new GauntletError('GNT_FILE', { what, where: path, fix: 'check the path' }, { cause })
  }
}

export function readBytes(path: string): Promise<Uint8Array> {
  return orFileError(path, () => readFile(path))
}

/** Names in a folder, sorted by code unit so that every machine sees the same order; hidden ones left out. */
export async function listFolder(path: string): Promise<readonly string[]> {
  const names = await orFileError(path, () => readdir(path))
  return names.filter((name) => !name.startsWith('.')).sort()
}

export async function isFolder(path: string): Promise<boolean> {
  return (await orFileError(path, () => stat(path))).isDirectory()
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** The bytes themselves, or what they unpack to if they are gzip. */
export function gunzipIfNeeded(bytes: Uint8Array, where: string): Uint8Array {
  if (!isGzip(bytes)) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: maxUnpackedBytes })
  } catch (cause) {
    throw formatError('gzip data is damaged, truncated or larger than 2 GiB', where, { cause })
  }
}
