import { fileURLToPath, pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { createJiti } from 'jiti'
import * as zod from 'zod'
import * as errors from '../errors.js'
import * as plugin from '../plugin.js'
import { defineConfig } from './define.js'

/**
 * Runs a TypeScript or JavaScript file of the user's. Its imports of `gauntlet`, `gauntlet/plugin` and
 * `zod` are this very program's own, even if nothing is installed beside the file.
 *
 * @param path - absolute
 * @returns the default export (of CommonJS what it exports), awaited; undefined if there is none
 */
export async function importUserModule(path: string): Promise<unknown> {
  const module: unknown = await createJiti(import.meta.url, {
    fsCache: false,
    moduleCache: false,
    interopDefault: false,
    virtualModules: {
      gauntlet: { ...plugin, ...errors, defineConfig },
      'gauntlet/plugin': plugin,
      zod,
    },
  }).import(path)
  return await defaultOf(module)
}

function defaultOf(module: unknown): unknown {
  if (typeof module !== 'object' || module === null) return undefined
  if (!('default' in module)) return isCommonJs(module) ? module : undefined
  const { default: value } = module
  // A compiled ES module, imported as CommonJS.
  const isWrapped = typeof value === 'object' && value !== null && '__esModule' in value
  return isWrapped ? defaultOf(value) : value
}

const isCommonJs = (module: object): boolean =>
  !('__esModule' in module) && Object.prototype.toString.call(module) !== '[object Module]'

/**
 * The file that a package is imported from, by the `exports` of its package.json.
 *
 * @param folder - whose `node_modules` counts, and those of the folders above it
 * @returns absolute; undefined if there is no such package, or it exports nothing of that name
 */
export function resolvePackage(name: string, folder: string): string | undefined {
  const parentURL = pathToFileURL(join(folder, 'gauntlet.config.ts')).href
  const jiti = createJiti(parentURL, { fsCache: false })
  for (const condition of ['import', 'require']) {
    const found = jiti.esmResolve(name, { parentURL, conditions: ['node', condition], try: true })
    if (found?.startsWith('file:')) return fileURLToPath(found)
  }
  return undefined
}

export const isModulePath = (path: string): boolean => /\.[cm]?[jt]s$/.test(path)
