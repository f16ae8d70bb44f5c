import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Where `gauntlet` and `gauntlet/plugin` are for files that the user gives us: this very copy, even if
 * the package is not installed beside them.
 */
export function moduleAliases(): Record<string, string> {
  return { 'gauntlet/plugin': entry('plugin'), gauntlet: entry('index') }
}

/** Built files are .js; the sources themselves, as unit tests run them, are .ts. */
function entry(name: string): string {
  const built = fileURLToPath(new URL(`../${name}.js`, import.meta.url))
  return existsSync(built) ? built : built.replace(/\.js$/, '.ts')
}
