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
 * @returns the default export, awaited; undefined if there is none
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
  return typeof module === 'object' && module !== null && 'default' in module
    ? await module.default
    : undefined
}

export const isModulePath = (path: string): boolean => /\.[cm]?[jt]s$/.test(path)
