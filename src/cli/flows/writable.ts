import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { GauntletError } from '../../errors.js'

/**
 * Whether a file can be written at `path`, its folder being there. Asked before minutes of work are spent on
 * what the file shall hold; nothing is written.
 *
 * @param what - how a message calls the file: `the examples cannot be written`
 * @throws GauntletError GNT_FILE
 */
export async function checkFileWritable(path: string, what: string): Promise<void> {
  const there = await kindOf(path)
  if (there === 'folder') throw refuse(what, path, 'a folder', 'name a file in it')
  // A device, a pipe: the whole new file would take its place.
  if (there === 'other') throw refuse(what, path, 'no regular file', 'name one')
  if (there === 'nothing' && (await kindOf(dirname(path))) !== 'folder')
    throw refuse(what, path, 'no such folder', 'make the folder, or choose another one')
  await checkAccess(there === 'file' ? path : dirname(path), what)
}

/** As `checkFileWritable`, for a file whose folder is made when it is not there: what `makeWhole` writes. */
export async function checkFileMakeable(path: string, what: string): Promise<void> {
  if ((await kindOf(dirname(path))) === 'folder') return checkFileWritable(path, what)
  await checkFolderMakeable(dirname(path), what)
}

/** As `checkFileWritable`, for a folder that is made when it is not there, with all above it. */
export async function checkFolderMakeable(path: string, what: string): Promise<void> {
  for (let at = path; ; at = dirname(at)) {
    const there = await kindOf(at)
    if (there === 'nothing' && at !== dirname(at)) continue
    if (there === 'file' || there === 'other')
      throw refuse(what, path, `${at} is a file`, 'choose another folder')
    return await checkAccess(at, what)
  }
}

/**
 * Writes a file so that a reader sees the old one or the whole new one.
 * @throws GauntletError GNT_FILE; nothing is left behind
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  what: string,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(temporary, content, { flag: 'wx' })
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new GauntletError('GNT_FILE', { what, where: path, got: code }, { cause })
  }
}

/** As `writeWhole`; the file's folder is made with all above it. */
export async function makeWhole(path: string, content: string, what: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeWhole(path, content, what)
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | 'nothing'> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return 'nothing'
  return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other'
}

async function checkAccess(path: string, what: string): Promise<void> {
  try {
    await access(path, constants.W_OK)
  } catch (cause) {
    throw refuse(what, path, 'no permission to write', 'choose another folder', cause)
  }
}

function refuse(
  what: string,
  where: string,
  got: string,
  fix: string,
  cause?: unknown,
): GauntletError {
  return new GauntletError('GNT_FILE', { what, where, got, fix }, { cause })
}

/**
 * Refuses to write over what is read.
 * @param flag - the option that names `path`
 * @param kept - paths of the files that are read
 * @throws GauntletError GNT_USAGE
 */
export async function checkOverwrites(
  flag: string,
  path: string,
  what: string,
  kept: readonly string[],
): Promise<void> {
  const target = await realPathOf(path)
  for (const file of kept)
    if ((await realPathOf(file)) === target)
      throw new GauntletError('GNT_USAGE', {
        what: `${flag} would overwrite ${what}`,
        where: path,
        fix: 'choose another file',
      })
}

const realPathOf = async (path: string): Promise<string> =>
  realpath(path).catch(() => resolve(path))
