import { statSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { isModulePath, resolvePackage } from './user-module.js'

/** `gauntlet-attack-x`, `@team/attacks`, `@team/attacks/sparse` */
const packageName = /^(@[\w.~-]+\/)?[\w~-][\w.~-]*(\/[\w.~/-]+)?$/

/**
 * The file of a plugin that is named by a path or by a package. A path begins with a dot or a slash, or the file is there;
 * anything else is looked for among the installed packages.
 *
 * @param folder - what paths start from, and whose packages count
 * @returns absolute; the name itself for a package that is not installed, which `loadPlugins` refuses
 */
export function locatePlugin(name: string, folder: string): string {
  const path = resolve(folder, name)
  if (isAbsolute(name) || name.startsWith('.') || isFile(path)) return path
  const found = packageName.test(name) ? resolvePackage(name, folder) : undefined
  return found ?? (isModulePath(name) ? path : name)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}
