import { GauntletError } from '../src/errors.js'
import type { Task, TaskResult } from '../src/plan/task.js'
import type { PoolSettings } from './messages.js'
import { PoolLost, PoolProcess } from './pool-process.js'

/** Where results go. The coordinator is the only one that writes. */
export interface ResultSink {
  save(task: Task, result: TaskResult): Promise<void>
  fail(task: Task, kind: 'failed' | 'quarantined', message: string): Promise<void>
}

export interface ExecuteOptions extends PoolSettings {
  readonly tasks: readonly Task[]
  /**
   * Tried once on every worker before the first task: a model that cannot be attacked is refused before any time is
   * spent on the others, and sessions are warm when the clock starts.
   */
  readonly rehearsals?: readonly Task[]
  readonly sink: ResultSink
  readonly signal?: AbortSignal | undefined
  readonly onStart?: (() => void) | undefined
  readonly onTask?: ((task: Task, result: TaskResult | null) => void) | undefined
}

export interface ExecuteResult {
  readonly done: number
  readonly failed: number
  readonly interrupted: boolean
  /** From the first task's start to the last one's end. */
  readonly seconds: number
}

/** A task that kills its process this often is put aside. */
const fatalStrikes = 2

/**
 * Runs tasks on a pool of worker threads in a child process. If the process dies, a new one is started; tasks that were
 * in flight are suspects and run alone; one that kills its process again is quarantined and reported. On abort, tasks
 * end at their next step and nothing half-done is saved.
 *
 * @throws GauntletError from a rehearsal: then no task was run
 */
export async function execute(options: ExecuteOptions): Promise<ExecuteResult> {
  const { tasks, sink, signal } = options
  let pool = await PoolProcess.start(options)
  const onAbort = (): void => pool.cancel()
  signal?.addEventListener('abort', onAbort)
  const queue = [...tasks]
  const suspects: Task[] = []
  const strikes = new Map<string, number>()
  let done = 0
  let failed = 0
  let start = performance.now()

  const settle = async (task: Task, run: Promise<TaskResult>): Promise<'ok' | 'lost'> => {
    try {
      const result = await run
      await sink.save(task, result)
      done++
      options.onTask?.(task, result)
    } catch (error) {
      if (error instanceof PoolLost) return 'lost'
      if (isInterrupt(error)) return 'ok'
      if (!(error instanceof Error)) throw error
      failed++
      await sink.fail(task, 'failed', error.message)
      options.onTask?.(task, null)
    }
    return 'ok'
  }

  try {
    for (const task of options.rehearsals ?? []) {
      if (signal?.aborted) break
      await Promise.all(Array.from({ length: options.workers }, () => rehearse(pool, task)))
    }
    start = performance.now()
    options.onStart?.()
    while ((queue.length > 0 || suspects.length > 0) && !signal?.aborted) {
      // A suspect runs alone, so that the next crash has one cause.
      const suspect = suspects.shift()
      const lost: Task[] = []
      if (suspect) {
        if ((await settle(suspect, pool.run(suspect))) === 'lost') lost.push(suspect)
      } else {
        const lanes = Array.from({ length: options.workers }, async () => {
          while (queue.length > 0 && lost.length === 0 && !signal?.aborted) {
            const task = queue.shift()!
            if ((await settle(task, pool.run(task))) === 'lost') lost.push(task)
          }
        })
        await Promise.all(lanes)
      }
      if (lost.length === 0) continue
      if (signal?.aborted) break
      for (const task of lost) {
        const count = (strikes.get(task.key) ?? 0) + 1
        strikes.set(task.key, count)
        if (count < fatalStrikes) suspects.push(task)
        else {
          failed++
          await sink.fail(task, 'quarantined', `ended its worker process ${count} times`)
          options.onTask?.(task, null)
        }
      }
      pool = await PoolProcess.start(options)
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    await pool.stop()
  }
  return { done, failed, interrupted: signal?.aborted ?? false, seconds: (performance.now() - start) / 1000 }
}

async function rehearse(pool: PoolProcess, task: Task): Promise<void> {
  try {
    await pool.run(task)
  } catch (error) {
    if (isInterrupt(error)) return
    if (error instanceof PoolLost)
      throw new GauntletError(
        'GNT_WORKER',
        {
          what: 'ONNX Runtime crashed on a trial of two samples',
          where: task.cell,
          got: error.message,
          fix: 'check that the model runs in ONNX Runtime outside Gauntlet',
        },
        { cause: error },
      )
    throw error
  }
}

const isInterrupt = (error: unknown): boolean =>
  error instanceof GauntletError && error.code === 'GNT_INTERRUPTED'
