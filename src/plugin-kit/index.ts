/** The conformance suite, for attacks of third parties and for the built-in ones. */
import { fileURLToPath } from 'node:url'
import { resolve } from 'node:path'
import { loadPlugins } from '../config/load-plugins.js'
import { kitOf, type Kit } from './kit.js'
import type { KitOptions } from './trial.js'

export { kitOf } from './kit.js'
export type { Check, Kit, KitThreat } from './kit.js'
export type { KitOptions } from './trial.js'

/**
 * The suite for the attack in a file, TypeScript or JavaScript.
 *
 * @param file - its path, or `new URL('./attack.ts', import.meta.url)`
 * @throws GauntletError GNT_CONFIG that names the file; Error if it holds several attacks: `kitOf` takes one
 */
export async function openKit(file: string | URL, options: KitOptions = {}): Promise<Kit> {
  const path = file instanceof URL ? fileURLToPath(file) : resolve(file)
  const [plugin, ...others] = (await loadPlugins([path], process.cwd())).attacks
  if (!plugin || others.length > 0)
    throw new Error(`${path} holds ${others.length + (plugin ? 1 : 0)} attacks, not one`)
  return kitOf(plugin, options)
}
