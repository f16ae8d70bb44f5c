import { mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Linux keeps files of this folder in memory. */
const memory = '/dev/shm'

/** The weights, those turned round for the backward pass, and as much again for whatever else runs here. */
const room = 4

/** Numbers of processes mean something on one machine only, and containers may share a folder. */
const prefix = `gauntlet-weights-${hostname().replace(/[^\w.]/g, '_')}-`

/**
 * A new folder for the weights of a model. In memory where there is plenty: ONNX Runtime maps them into memory anyway,
 * and writing a gigabyte to a disk first takes seconds. Else, and when TMPDIR is set, among the temporary files.
 *
 * @param sizeBytes - of the weights of the model
 * @throws Error of Node's when no folder can be made
 */
export function makeWeightFolder(sizeBytes: number): string {
  const own = `${prefix}${process.pid}-`
  if (isRoomy(sizeBytes))
    try {
      return mkdtempSync(join(memory, own))
    } catch {
      // Not ours to write to.
    }
  return mkdtempSync(join(tmpdir(), own))
}

function isRoomy(sizeBytes: number): boolean {
  if (process.platform !== 'linux' || process.env['TMPDIR'] !== undefined) return false
  try {
    const { bavail, bsize } = statfsSync(memory)
    // What the container may still take, if there is one.
    const least = Math.min(bavail * bsize, process.availableMemory())
    return least >= room * sizeBytes
  } catch {
    return false
  }
}

/** Folders of processes of this machine that `wanted` names by their number. */
export function weightFoldersOf(wanted: (pid: number) => boolean): string[] {
  return [...new Set([memory, tmpdir()])].flatMap((root) =>
    namesIn(root)
      .filter((name) => {
        const rest = name.startsWith(prefix) ? name.slice(prefix.length) : ''
        const pid = /^(\d+)-\w+$/.exec(rest)?.[1]
        return pid !== undefined && wanted(Number(pid))
      })
      .map((name) => join(root, name)),
  )
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Not even a system that does not remove open files keeps a run from ending well. */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    return
  }
}
