import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const program = join(import.meta.dirname, '../../dist/src/cli/main.js')
if (!existsSync(program)) throw new Error('the command line is not built: npm run build')

export interface CliResult {
  /** Null if a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCli {
  readonly pid: number
  readonly done: Promise<CliResult>
  /** Resolves when stderr has matched, or when the process has ended. */
  seen(pattern: RegExp): Promise<void>
  kill(signal: NodeJS.Signals): void
  /** To the process and its children, as a terminal does on Ctrl-C. */
  killGroup(signal: NodeJS.Signals): void
}

/** Starts the built command line in a process group of its own. */
export function startCli(
  args: readonly string[],
  cwd: string,
  more: Readonly<Record<string, string>> = {},
): RunningCli {
  // As a user has it: what the tests' own processes were told about ONNX Runtime is not passed on.
  const { ORT_DISABLE_TELEMETRY: _, ...own } = process.env
  const env = { ...own, NO_COLOR: '1', ...more }
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid === undefined) throw new Error('node could not be started')
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const done = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject)
    // Not `close`: a child of a killed process holds the pipes open until it has gone too.
    child.on('exit', (code, signal) =>
      setImmediate(() => resolve({ code, signal, stdout, stderr })),
    )
  })
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()))
  return {
    pid,
    done: done.then(async (result) => {
      if (result.signal === null) await closed
      return { ...result, stdout, stderr }
    }),
    seen: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!pattern.test(stderr)) return
          child.stderr.off('data', look)
          resolve()
        }
        child.stderr.on('data', look)
        child.on('exit', () => resolve())
        look()
      }),
    kill: (signal) => void child.kill(signal),
    killGroup: (signal) => void process.kill(-pid, signal),
  }
}

/** Runs the built command line to its end. */
export function runCli(
  args: readonly string[],
  cwd: string,
  more: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  return startCli(args, cwd, more).done
}

/** Process ids of the children of `pid`; of a dead parent's children this knows nothing. */
export function childrenOf(pid: number): number[] {
  return processes()
    .filter((one) => one.parent === pid)
    .map((one) => one.pid)
}

export function isAlive(pid: number): boolean {
  // A zombie answers signals too; it holds nothing any more.
  return processes().some((one) => one.pid === pid && !one.state.startsWith('Z'))
}

/** Whether all of them have left before the time is up. */
export async function haveLeft(pids: readonly number[], withinMs: number): Promise<boolean> {
  const end = Date.now() + withinMs
  while (pids.some((pid) => isAlive(pid))) {
    if (Date.now() > end) return false
    await delay(50)
  }
  return true
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function processes(): { pid: number; parent: number; state: string }[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [pid = '', parent = '', state = ''] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), state }
    })
}
