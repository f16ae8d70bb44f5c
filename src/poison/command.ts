import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { loadModel } from '../onnx/load.js'
import { fillCommand } from './command-line.js'

export interface CommandTraining {
  /** Program and arguments, or one line for a shell; with places in braces: see `Places`. */
  readonly command: readonly string[] | string
  readonly shell: boolean
  readonly timeoutSeconds: number
  /** Where it starts. */
  readonly cwd: string
  readonly keepFolder: boolean
}

export interface CommandRun {
  /** An .npz with keys `x` and `y`: what is to be trained on. */
  readonly data: Uint8Array
  /** The ONNX file of the version: for commands that train it on, or read its architecture. */
  readonly base: string
  readonly seed: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Trains by the user's own command: writes the data into a folder of its own, runs the command there is, and reads the
 * ONNX file that it leaves. The command and all that it started are gone afterwards, and so is the folder.
 *
 * @throws GNT_TRAINING, with the last lines of what it printed, if it fails, takes too long or leaves no ONNX file;
 *   GNT_INTERRUPTED
 */
export async function trainByCommand(training: CommandTraining, run: CommandRun): Promise<Graph> {
  const folder = await mkdtemp(join(tmpdir(), 'gauntlet-train-'))
  try {
    const data = join(folder, 'data.npz')
    const out = join(folder, 'model.onnx')
    await writeFile(data, run.data)
    const seed = String(run.seed)
    const places = { data, out, model: out, base: run.base, seed, folder }
    const log = join(folder, 'log.txt')
    const end = await execute(fillCommand(training.command, places), log, training, run.signal)
    if (end !== null) throw await failure(end, log, training, folder)
    if (!existsSync(out)) throw await failure('left no ONNX file at {out}', log, training, folder)
    return await readModel(out, log, training, folder)
  } finally {
    if (!training.keepFolder) await rm(folder, { recursive: true, force: true })
  }
}

async function readModel(
  out: string,
  log: string,
  training: CommandTraining,
  folder: string,
): Promise<Graph> {
  try {
    return (await loadModel(out)).graph
  } catch (cause) {
    if (!(cause instanceof GauntletError)) throw cause
    throw await failure(
      `left a file that is no ONNX model: ${cause.detail.what}`,
      log,
      training,
      folder,
    )
  }
}

/** @returns null if all went well, else what happened */
async function execute(
  command: readonly string[] | string,
  log: string,
  { shell, timeoutSeconds, cwd }: CommandTraining,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  signal?.throwIfAborted()
  const file = await open(log, 'w')
  const parts = typeof command === 'string' ? [command] : command
  const child = spawn(process.execPath, [guard(), shell ? 'shell' : 'plain', ...parts], {
    cwd,
    stdio: ['pipe', file.fd, file.fd],
    // A group of its own, so that all of it can be ended.
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    killGroup(child)
  }, timeoutSeconds * 1000)
  const onAbort = (): void => killGroup(child)
  signal?.addEventListener('abort', onAbort)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', resolve)
    })
    signal?.throwIfAborted()
    if (isLate) return `took longer than ${timeoutSeconds} s and was ended`
    return code === 0 ? null : `ended with exit code ${code}`
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    // What the command left running in its group.
    killGroup(child)
    await file.close()
  }
}

/** The compiled file also where the sources are run, as tests do. */
function guard(): string {
  const beside = fileURLToPath(new URL('./command-guard.js', import.meta.url))
  return existsSync(beside) ? beside : beside.replace(/src(.)poison/, 'dist$1src$1poison')
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { windowsHide: true })
    return
  }
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}

async function failure(
  what: string,
  log: string,
  { command, keepFolder }: CommandTraining,
  folder: string,
): Promise<GauntletError> {
  const text = typeof command === 'string' ? command : command.join(' ')
  const tail = await tailOf(log)
  return new GauntletError('GNT_TRAINING', {
    what: `the training command ${what}`,
    where: text,
    got: tail === '' ? 'nothing printed' : `last lines: ${tail}`,
    fix: keepFolder
      ? `see ${folder}`
      : 'keep its work folder to look at it: keepFolder: true, or --keep-folder',
  })
}

/** Bytes of a log that are read, and lines that are shown. */
const tailBytes = 2000
const tailLines = 4

/** The last lines of a log, on one line. */
async function tailOf(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(Math.min(size, tailBytes))
    await file.read(buffer, 0, buffer.length, size - buffer.length)
    const lines = buffer
      .toString('utf8')
      .replace(/[^\P{C}\n]/gu, ' ')
      .split('\n')
    return lines
      .map((line) => line.trim())
      .filter(Boolean)
      .slice(-tailLines)
      .join(' | ')
  } finally {
    await file.close()
  }
}
