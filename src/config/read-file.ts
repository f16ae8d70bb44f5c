import { readFile, stat } from 'node:fs/promises'
import { parse } from 'yaml'
import { GauntletError } from '../errors.js'
import { importUserModule, isModulePath } from './user-module.js'

/** A configuration is written by hand; a larger file is some other file. */
const maxBytes = 1_000_000

/**
 * The value a configuration file holds. JSON and YAML are parsed, never evaluated; TypeScript and
 * JavaScript are code by nature and run.
 *
 * @param path - absolute
 * @param where - how messages name the file
 * @throws GauntletError GNT_FILE, GNT_CONFIG
 */
export async function readConfigFile(path: string, where: string): Promise<unknown> {
  const size = await sizeOf(path, where)
  if (size > maxBytes)
    throw new GauntletError('GNT_CONFIG', {
      what: 'the configuration is too large',
      where,
      got: `${size} bytes`,
      expected: `at most ${maxBytes}`,
    })
  try {
    if (path.endsWith('.json')) return JSON.parse(await readFile(path, 'utf8'))
    if (/\.ya?ml$/.test(path)) return parse(await readFile(path, 'utf8'), { maxAliasCount: 100 })
    if (isModulePath(path)) return await importDefault(path, where)
  } catch (cause) {
    if (cause instanceof GauntletError) throw cause
    throw new GauntletError(
      'GNT_CONFIG',
      { what: 'the configuration cannot be read', where, got: firstLine(cause) },
      { cause },
    )
  }
  throw new GauntletError('GNT_CONFIG', {
    what: 'not a configuration file',
    where,
    expected: '.ts, .mts, .js, .mjs, .json, .yaml or .yml',
  })
}

async function sizeOf(path: string, where: string): Promise<number> {
  try {
    const file = await stat(path)
    if (file.isFile()) return file.size
  } catch (cause) {
    throw new GauntletError(
      'GNT_FILE',
      { what: 'no such configuration', where, fix: 'check the path, or write one: gauntlet init' },
      { cause },
    )
  }
  throw new GauntletError('GNT_FILE', { what: 'a folder where a configuration is expected', where })
}

async function importDefault(path: string, where: string): Promise<unknown> {
  const value = await importUserModule(path)
  if (value !== undefined) return value
  throw new GauntletError('GNT_CONFIG', {
    what: 'the configuration has no default export',
    where,
    expected: 'export default defineConfig({ … })',
  })
}

/** Parsers put a picture of the place below their first line. */
function firstLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return (text.split('\n')[0] ?? '').replace(/:$/, '').trim()
}
