import { execFileSync } from 'node:child_process'

/** The Python that has the peers installed; without it the comparisons are skipped. */
export const python = process.env['GAUNTLET_PEERS_PYTHON']

/** Why a comparison that imports `modules` in Python cannot run here, or null. Costs nothing when no Python is named. */
export function reasonToSkip(modules: readonly string[]): string | null {
  if (!python) return 'GAUNTLET_PEERS_PYTHON does not name a Python that has the peers'
  try {
    execFileSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'pipe' })
    return null
  } catch (error) {
    const [last] = String((error as { stderr?: Buffer }).stderr ?? error)
      .trim()
      .split('\n')
      .slice(-1)
    return `${python} cannot import ${modules.join(', ')}: ${last}`
  }
}
