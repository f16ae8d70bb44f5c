import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
// Child processes inherit the environment.
// oxlint-disable-next-line import/no-unassigned-import
import '../src/util/no-telemetry.js'
import type { ExaminationTask, Task, TaskResult } from '../src/plan/task.js'
import type { TrialResult, TrialTask } from '../src/plan/trial.js'
import type { Finding } from '../src/trust/finding.js'
import type { FromPool, PoolSettings, ThreadJob, ToPool } from './messages.js'
import { fromWire } from './wire-error.js'

/** The pool's process ended while tasks were in flight. */
export class PoolLost extends Error {
  override readonly name = 'PoolLost'
}

/** One child process with its worker threads, seen from the coordinator. */
export class PoolProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<
    number,
    { resolve: (result: never) => void; reject: (error: Error) => void }
  >()
  #next = 0
  #ended = false

  private constructor(child: ChildProcess) {
    this.#child = child
    // A failed send is told here too; `exit` follows, and says more.
    child.on('error', () => {})
    child.on('message', (message: FromPool) => {
      if (message.type !== 'result' && message.type !== 'error') return
      const waiter = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.type === 'result') waiter?.resolve(message.result as never)
      else waiter?.reject(fromWire(message.error))
    })
    // When the coordinator ends in a hurry, the child's step under way is of no use to anyone.
    const killed = (): void => this.kill()
    process.once('exit', killed)
    child.on('exit', (code, signal) => {
      process.off('exit', killed)
      this.#ended = true
      const lost = new PoolLost(`the worker process ended (${signal ?? `exit code ${code}`})`)
      for (const waiter of this.#waiting.values()) waiter.reject(lost)
      this.#waiting.clear()
    })
  }

  /** @throws GauntletError when the data set cannot be loaded in the child */
  static async start(options: PoolSettings): Promise<PoolProcess> {
    const path = fileURLToPath(new URL('./pool-host.js', import.meta.url))
    const child = fork(path, {
      serialization: 'advanced',
      // What a plugin prints goes to stderr: stdout belongs to the results.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    const pool = new PoolProcess(child)
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message: FromPool) => {
        if (message.type === 'ready') resolve()
        if (message.type === 'refused') reject(fromWire(message.error))
      })
      // A process ended by a signal before it could read this message shows here first, as a broken pipe.
      child.once('error', (error) =>
        reject(
          new PoolLost(`the worker process did not start (${error.message})`, { cause: error }),
        ),
      )
      child.once('exit', (code, signal) =>
        reject(new PoolLost(`the worker process did not start (${signal ?? `exit code ${code}`})`)),
      )
      const { workers, dataset, trainingData, device, plugins } = options
      pool.#send({ type: 'start', workers, dataset, trainingData, device, plugins })
    }).catch(async (error: unknown) => {
      await pool.stop()
      throw error
    })
    return pool
  }

  /** For tests that end it the hard way. */
  get pid(): number | undefined {
    return this.#child.pid
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
    if (this.#ended) return Promise.reject(new PoolLost('the worker process has ended'))
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#send({ type: 'job', id, ...job })
    })
  }

  /** Asks all tasks to end at their next step; they reject with GNT_INTERRUPTED. */
  cancel(): void {
    this.#send({ type: 'cancel' })
  }

  /** Waits for tasks under way, then ends the process. */
  async stop(): Promise<void> {
    // Without a process id it never started, and no `exit` will come.
    if (this.#ended || this.#child.pid === undefined) return
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#send({ type: 'stop' })
    await ended
  }

  /** Ends the process at once. ONNX Runtime runs in the child only, so nothing else is hurt. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #send(message: ToPool): void {
    if (this.#child.connected) this.#child.send(message)
  }
}
