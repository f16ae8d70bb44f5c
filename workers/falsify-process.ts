import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
// Child processes inherit the environment.
// oxlint-disable-next-line import/no-unassigned-import
import '../src/util/no-telemetry.js'
import type { FalsifyJob, FalsifyResult } from '../src/falsify/falsify.js'
import type { FromFalsifier, ToFalsifier } from './falsify-messages.js'
import { PoolLost } from './pool-process.js'
import { fromWire } from './wire-error.js'

/** One child process that falsifies, seen from the coordinator. */
export class FalsifyProcess {
  readonly #child: ChildProcess
  #waiting: { resolve: (result: FalsifyResult) => void; reject: (error: Error) => void } | null =
    null
  #hasEnded = false

  constructor() {
    const path = fileURLToPath(new URL('./falsify-host.js', import.meta.url))
    // Stdout belongs to the results.
    this.#child = fork(path, { serialization: 'advanced', stdio: ['ignore', 2, 2, 'ipc'] })
    // A failed start or send is told here; `exit` need not follow.
    this.#child.on('error', (error) => this.#end(error.message))
    this.#child.on('message', (message: FromFalsifier) => {
      const waiting = this.#waiting
      this.#waiting = null
      if (message.type === 'result') waiting?.resolve(message.result)
      else waiting?.reject(fromWire(message.error))
    })
    const killed = (): void => void this.#child.kill('SIGKILL')
    process.once('exit', killed)
    this.#child.on('exit', (code, signal) => {
      process.off('exit', killed)
      this.#end(signal ?? `exit code ${code}`)
    })
  }

  /** It crashed, or was killed. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  #end(reason: string): void {
    this.#hasEnded = true
    this.#waiting?.reject(new PoolLost(`the worker process ended (${reason})`))
    this.#waiting = null
  }

  /** @throws PoolLost when the process ends over it; what the job throws there */
  run(job: FalsifyJob): Promise<FalsifyResult> {
    if (this.#hasEnded) return Promise.reject(new PoolLost('the worker process has ended'))
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#send({ type: 'job', job })
    })
  }

  /** Asks the job under way to end at its next step; it rejects with GNT_INTERRUPTED. */
  cancel(): void {
    this.#send({ type: 'cancel' })
  }

  /** Waits for a job under way, then ends the process. */
  async stop(): Promise<void> {
    if (this.#hasEnded || this.#child.pid === undefined) return
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#send({ type: 'stop' })
    await ended
  }

  #send(message: ToFalsifier): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }
}
