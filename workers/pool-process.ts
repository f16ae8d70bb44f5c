import type { ExaminationTask, Task, TaskResult } from '../src/plan/task.js'
import type { TrialResult, TrialTask } from '../src/plan/trial.js'
import type { Finding } from '../src/trust/finding.js'
import { HostProcess, PoolLost } from './host-process.js'
import type { FromPool, PoolSettings, ThreadJob, ToPool } from './messages.js'
import { fromWire } from './wire-error.js'

interface Waiter<T> {
  readonly resolve: (result: T) => void
  readonly reject: (error: Error) => void
}

/** One child process with its worker threads, seen from the coordinator. */
export class PoolProcess {
  readonly #host: HostProcess<ToPool, FromPool>
  readonly #waiting = new Map<number, Waiter<never>>()
  #start: Waiter<void> | undefined
  #next = 0

  private constructor() {
    this.#host = new HostProcess('./pool-host.js', {
      onMessage: (message) => this.#take(message),
      onEnd: (reason) => this.#lose(reason),
    })
  }

  #take(message: FromPool): void {
    switch (message.type) {
      case 'ready':
        this.#start?.resolve()
        return
      case 'refused':
        this.#start?.reject(fromWire(message.error))
        return
      default: {
        const waiter = this.#waiting.get(message.id)
        this.#waiting.delete(message.id)
        if (message.type === 'result') waiter?.resolve(message.result as never)
        else waiter?.reject(fromWire(message.error))
      }
    }
  }

  #lose(reason: string): void {
    this.#start?.reject(new PoolLost(`the worker process did not start (${reason})`))
    const lost = new PoolLost(`the worker process ended (${reason})`)
    for (const waiter of this.#waiting.values()) waiter.reject(lost)
    this.#waiting.clear()
  }

  /** @throws GauntletError when the data set cannot be loaded in the child; PoolLost when it does not start */
  static async start(settings: PoolSettings): Promise<PoolProcess> {
    const { workers, dataset, trainingData, device, plugins } = settings
    const pool = new PoolProcess()
    try {
      await new Promise<void>((resolve, reject) => {
        pool.#start = { resolve, reject }
        pool.#host.send({ type: 'start', workers, dataset, trainingData, device, plugins })
      })
    } catch (error) {
      await pool.stop()
      throw error
    }
    return pool
  }

  /** For tests that end it the hard way. */
  get pid(): number | undefined {
    return this.#host.pid
  }

  async run(task: Task): Promise<TaskResult> {
    return await this.#ask<TaskResult>({ kind: 'attack', task })
  }

  async examine(task: ExaminationTask): Promise<readonly Finding[]> {
    return await this.#ask<readonly Finding[]>({ kind: 'examination', task })
  }

  async runTrial(task: TrialTask): Promise<TrialResult> {
    return await this.#ask<TrialResult>({ kind: 'trial', task })
  }

  /** Tries a trial out; see `TrialRunner.rehearse`. */
  async rehearseTrial(task: TrialTask): Promise<void> {
    await this.#ask<null>({ kind: 'trial-rehearsal', task })
  }

  /** Tries a task out; see `TaskRunner.rehearse`. */
  async rehearse(task: Task): Promise<void> {
    await this.#ask<null>({ kind: 'rehearsal', task })
  }

  /** What a job answers is of the kind that it asks for: see `pool-thread.ts`. */
  #ask<T>(job: ThreadJob): Promise<T> {
    if (this.#host.hasEnded) return Promise.reject(new PoolLost('the worker process has ended'))
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#host.send({ type: 'job', id, ...job })
    })
  }

  /** Asks all tasks to end at their next step; they reject with GNT_INTERRUPTED. */
  cancel(): void {
    this.#host.send({ type: 'cancel' })
  }

  /** Waits for tasks under way, then ends the process. */
  stop(): Promise<void> {
    return this.#host.stop({ type: 'stop' })
  }

  /** Ends the process at once. */
  kill(): void {
    this.#host.kill()
  }
}
