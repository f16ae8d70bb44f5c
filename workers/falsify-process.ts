import type { FalsifyJob, FalsifyResult } from '../src/falsify/falsify.js'
import type { FromFalsifier, ToFalsifier } from './falsify-messages.js'
import { HostProcess, PoolLost } from './host-process.js'
import { fromWire } from './wire-error.js'

/** One child process that falsifies, seen from the coordinator. */
export class FalsifyProcess {
  readonly #host: HostProcess<ToFalsifier, FromFalsifier>
  #waiting: { resolve: (result: FalsifyResult) => void; reject: (error: Error) => void } | null =
    null

  constructor() {
    this.#host = new HostProcess('./falsify-host.js', {
      onMessage: (message) => {
        const waiting = this.#waiting
        this.#waiting = null
        if (message.type === 'result') waiting?.resolve(message.result)
        else waiting?.reject(fromWire(message.error))
      },
      onEnd: (reason) => {
        this.#waiting?.reject(new PoolLost(`the worker process ended (${reason})`))
        this.#waiting = null
      },
    })
  }

  /** It crashed, or was killed. */
  get hasEnded(): boolean {
    return this.#host.hasEnded
  }

  /** @throws PoolLost when the process ends over it; what the job throws there */
  run(job: FalsifyJob): Promise<FalsifyResult> {
    if (this.hasEnded) return Promise.reject(new PoolLost('the worker process has ended'))
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#host.send({ type: 'job', job })
    })
  }

  /** Asks the job under way to end at its next step; it rejects with GNT_INTERRUPTED. */
  cancel(): void {
    this.#host.send({ type: 'cancel' })
  }

  /** Waits for a job under way, then ends the process. */
  stop(): Promise<void> {
    return this.#host.stop({ type: 'stop' })
  }
}
