import { readFile, stat } from 'node:fs/promises'
import { parse } from 'yaml'
import { GauntletError } from '../errors.js'
import { importUserModule, isModulePath } from './user-module.js'

/** A configuration is written by hand; a larger file is some other file. */
const maxBytes = 1_000_000

/** What messages call a file. */
export interface FileKind {
  /** `configuration`: fits behind "the" and "no such". */
  readonly noun: string
  /** What to do if it is missing. */
  readonly missing: string
  /** Of a module without a default export. */
  readonly expected: string
}

const configuration: FileKind = {
  noun: 'configuration',
  missing: 'check the path, or write one: gauntlet init',
  expected: 'export default defineConfig({ … })',
}

/**
 * The value a configuration file holds. JSON and YAML are parsed, never evaluated; TypeScript and
 * JavaScript are code by nature and run.
 *
 * @param path - absolute
 * @param where - how messages name the file
 * @throws GauntletError GNT_FILE, GNT_CONFIG
 */
export async function readConfigFile(
  path: string,
  where: string,
  kind: FileKind = configuration,
): Promise<unknown> {
  const { noun } = kind
  const size = await sizeOf(path, where, kind)
  if (size > maxBytes)
    throw new GauntletError('GNT_CONFIG', {
      what: `the ${noun} file is too large`,
      where,
      got: `${size} bytes`,
      expected: `at most ${maxBytes}`,
    })
  try {
    if (path.endsWith('.json')) return JSON.parse(await readFile(path, 'utf8'))
    if (/\.ya?ml$/.test(path)) return parse(await readFile(path, 'utf8'), { maxAliasCount: 100 })
    if (isModulePath(path)) return await importDefault(path, where, kind)
  } catch (cause) {
    if (cause instanceof GauntletError) throw cause
    throw new GauntletError(
      'GNT_CONFIG',
      { what: `the ${noun} file cannot be read`, where, got: firstLine(cause) },
      { cause },
    )
  }
  throw new GauntletError('GNT_CONFIG', {
    what: `not a ${noun} file`,
    where,
    expected: '.ts, .mts, .js, .mjs, .json, .yaml or .yml',
  })
}

async function sizeOf(path: string, where: string, { noun, missing }: FileKind): Promise<number> {
  try {
    const file = await stat(path)
    if (file.isFile()) return file.size
  } catch (cause) {
    throw new GauntletError(
      'GNT_FILE',
      { what: `no such ${noun} file`, where, fix: missing },
      { cause },
    )
  }
  throw new GauntletError('GNT_FILE', {
    what: `a folder where a ${noun} file is expected`,
    where,
  })
}

async function importDefault(
  path: string,
  where: string,
  { noun, expected }: FileKind,
): Promise<unknown> {
  const value = await importUserModule(path)
  if (value !== undefined) return value
  throw new GauntletError('GNT_CONFIG', {
    what: `the ${noun} file has no default export`,
    where,
    expected,
  })
}

/** Parsers put a picture of the place below their first line. */
function firstLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return (text.split('\n')[0] ?? '').replace(/:$/, '').trim()
}
