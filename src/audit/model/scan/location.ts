import { realpathSync, statSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import type { AuditFinding } from '../result.js'

/**
 * What is wrong with a place outside of the model file that it wants to read.
 * @param end - the last byte it reads, plus one
 */
export function checkLocation(
  folder: string,
  location: string,
  end: number,
): Omit<AuditFinding, 'where'> | undefined {
  const shown = JSON.stringify(location)
  const parts = location.split(/[/\\]/)
  const leaves = (how: string): Omit<AuditFinding, 'where'> => ({
    signal: 'external-path',
    severity: 'error',
    text: `reads ${shown}, ${how}`,
  })
  if (location === '') return leaves('no file at all')
  if (/^[a-z][a-z\d+.-]+:/i.test(location)) return leaves('another place than a file beside it')
  if (isAbsolute(location) || /^[A-Za-z]:|^\\|\0/.test(location)) return leaves('an absolute path')
  if (parts.includes('..')) return leaves('a path that leaves the folder of the model')
  const path = join(folder, ...parts)
  let size: number
  try {
    const [root, real] = [realpathSync(folder), realpathSync(path)]
    const inside = relative(root, real)
    if (isAbsolute(inside) || inside.split(sep)[0] === '..')
      return leaves('a link that leads out of the folder of the model')
    size = statSync(real).size
  } catch {
    return {
      signal: 'external-missing',
      severity: 'warning',
      text: `reads ${shown}, which is not there`,
    }
  }
  if (Number.isFinite(end) && end <= size) return undefined
  return {
    signal: 'oversize-tensor',
    severity: 'error',
    text: `reads up to byte ${end} of ${shown}, which has ${size}`,
  }
}
