import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
// Child processes inherit the environment.
// oxlint-disable-next-line import/no-unassigned-import
import '../src/util/no-telemetry.js'

/** A worker process ended that still owed an answer. */
export class PoolLost extends Error {
  override readonly name = 'PoolLost'
}

/** What a coordinator does with what it hears of a host. */
export interface HostEvents<From> {
  onMessage(message: From): void
  /** Once: it crashed, was killed, left, or never started. @param reason - `SIGKILL`, `exit code 1` */
  onEnd(reason: string): void
}

/** A child process that runs one of the hosts, seen from the coordinator. */
export class HostProcess<To extends { readonly type: string }, From> {
  readonly #child: ChildProcess
  #hasEnded = false

  /** @param file - the host's module, relative to this one */
  constructor(file: string, { onMessage, onEnd }: HostEvents<From>) {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
      serialization: 'advanced',
      // What a plugin prints goes to stderr: stdout belongs to the results.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    this.#child = child
    const end = (reason: string): void => {
      if (this.#hasEnded) return
      this.#hasEnded = true
      onEnd(reason)
    }
    // Without a process id it never started, and no `exit` will come.
    child.on('error', (error) => {
      if (child.pid === undefined) end(error.message)
    })
    child.on('message', (message: From) => onMessage(message))
    // When the coordinator ends in a hurry, the child's step under way is of no use to anyone.
    const kill = (): void => this.kill()
    process.once('exit', kill)
    child.on('exit', (code, signal) => {
      process.off('exit', kill)
      end(signal ?? `exit code ${code}`)
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** A message that does not arrive is told by the end of the process. */
  send(message: To): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  /** Waits for what is under way, then ends the process. @param message - what asks for it */
  async stop(message: To): Promise<void> {
    if (this.#hasEnded || this.#child.pid === undefined) return
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.send(message)
    await ended
  }

  /** Ends the process at once. ONNX Runtime runs in the child only, so nothing else is hurt. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
