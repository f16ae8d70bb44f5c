import { GauntletError } from '../src/errors.js'
import type { ExaminationTask, Task, TaskResult } from '../src/plan/task.js'
import type { TrialResult, TrialTask } from '../src/plan/trial.js'
import type { Finding } from '../src/trust/finding.js'
import type { PoolSettings } from './messages.js'
import { PoolLost } from './host-process.js'
import { PoolProcess } from './pool-process.js'

type Item = Task | ExaminationTask | TrialTask

/** Where results go. The coordinator is the only one that writes. */
interface ResultSink {
  save(task: Task, result: TaskResult): Promise<void>
  saveExamination?(task: ExaminationTask, findings: readonly Finding[]): Promise<void>
  saveTrial?(result: TrialResult): Promise<void>
  fail(task: Item, kind: 'failed' | 'quarantined', message: string): Promise<void>
}

export interface ExecuteOptions extends Omit<PoolSettings, 'device'> {
  /** One pool each; all take from the same tasks. */
  readonly devices: readonly string[]
  readonly tasks: readonly Task[]
  /** Done before the tasks: what they find may say that the rest is in vain. */
  readonly examinations?: readonly ExaminationTask[]
  /** Done after the tasks. */
  readonly trials?: readonly TrialTask[]
  /** Trials that run at the same time at most: each holds the training data several times. Default: all workers. */
  readonly mostTrials?: number | undefined
  /** Tried once, as `rehearsals`. */
  readonly trialRehearsals?: readonly TrialTask[]
  /**
   * Tried once on every worker before the first task: a model that cannot be attacked is refused before any time is
   * spent on the others, and sessions are warm when the clock starts.
   */
  readonly rehearsals?: readonly Task[]
  readonly sink: ResultSink
  readonly signal?: AbortSignal | undefined
  /** After the rehearsals, before the first task; not called on an abort before that. */
  readonly onStart?: (() => void | Promise<void>) | undefined
  readonly onTask?: ((task: Item, state: 'done' | 'failed') => void) | undefined
  /** How a pool is started; tests give their own. */
  readonly startPool?: (settings: PoolSettings) => Promise<Pool>
}

/** What the coordinator needs of a pool. */
export type Pool = Pick<
  PoolProcess,
  'run' | 'examine' | 'runTrial' | 'rehearse' | 'rehearseTrial' | 'cancel' | 'stop'
>

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
 * Runs tasks on pools of worker threads, one child process per device. If a process dies, a new one is started; tasks that
 * were in flight are suspects and run alone; one that kills its process again is quarantined and reported. On abort,
 * tasks end at their next step and nothing half-done is saved.
 *
 * @throws GauntletError from a rehearsal: then no task was run
 */
export async function execute(options: ExecuteOptions): Promise<ExecuteResult> {
  const { tasks, signal } = options
  const lanes: Lane[] = []
  const onAbort = (): void => {
    for (const lane of lanes) lane.pool.cancel()
  }
  signal?.addEventListener('abort', onAbort)
  const work = new Work(options)
  let start = performance.now()
  try {
    for (const device of options.devices) {
      const lane = await openLane(options, device)
      if (lane) lanes.push(lane)
    }
    for (const task of options.rehearsals ?? []) {
      if (signal?.aborted) break
      await Promise.all(
        lanes.flatMap((lane) =>
          Array.from({ length: lane.workers }, () => rehearse(lane.pool, task, options)),
        ),
      )
    }
    for (const task of options.trialRehearsals ?? [])
      if (lanes[0] && !signal?.aborted) await rehearse(lanes[0].pool, task, options)
    if (!signal?.aborted) await options.onStart?.()
    start = performance.now()
    work.queue.push(...(options.examinations ?? []), ...tasks)
    await Promise.all(lanes.map((lane) => runLane(lane, work, options)))
    work.queue.push(...(options.trials ?? []))
    const most = Math.ceil((options.mostTrials ?? Infinity) / lanes.length)
    for (const lane of lanes) lane.workers = Math.min(lane.workers, most)
    await Promise.all(lanes.map((lane) => runLane(lane, work, options)))
  } catch (error) {
    // What is still under way is of no use any more, and a person waits for the message.
    onAbort()
    throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
    await Promise.all(lanes.map((lane) => lane.pool.stop()))
  }
  const { done, failed } = work
  return {
    done,
    failed,
    interrupted: signal?.aborted ?? false,
    seconds: (performance.now() - start) / 1000,
  }
}

/** A device with its pool, which is replaced when its process dies. */
interface Lane {
  readonly device: string
  workers: number
  pool: Pool
}

/** @returns null if the abort came first: a Ctrl-C reaches a process that cannot know yet what to make of it */
async function openLane(options: ExecuteOptions, device: string): Promise<Lane | null> {
  // A GPU runs one session at a time; more threads would only queue in front of it.
  const workers = device === 'cpu' ? options.workers : 1
  const { dataset, trainingData, plugins } = options
  const startPool = options.startPool ?? ((settings) => PoolProcess.start(settings))
  try {
    const pool = await startPool({ workers, dataset, trainingData, device, plugins })
    return { device, workers, pool }
  } catch (error) {
    if (!(error instanceof PoolLost)) throw error
    if (await abortsWithin(options.signal, groupSignalMs)) return null
    const detail = {
      what: 'the worker process cannot be started',
      got: error.message,
      fix: 'see gauntlet doctor',
    }
    throw new GauntletError('GNT_WORKER', detail, { cause: error })
  }
}

/** A signal to the whole group can end the child before this process hears of it. */
export const groupSignalMs = 200

export function abortsWithin(signal: AbortSignal | undefined, ms: number): Promise<boolean> {
  if (!signal || signal.aborted) return Promise.resolve(signal !== undefined)
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', settle)
      resolve(signal.aborted)
    }
    const timer = setTimeout(settle, ms)
    signal.addEventListener('abort', settle)
  })
}

/** What is left to do, and what became of the rest. */
class Work {
  readonly queue: Item[] = []
  readonly #options: ExecuteOptions
  readonly #strikes = new Map<string, number>()
  done = 0
  failed = 0

  constructor(options: ExecuteOptions) {
    this.#options = options
  }

  /** Has a task done and files its result. @returns false if its process was lost */
  async settle(task: Item, pool: Pool): Promise<boolean> {
    const { sink, onTask } = this.#options
    try {
      if ('attack' in task) await sink.save(task, await pool.run(task))
      else if ('poison' in task) await sink.saveTrial?.(await pool.runTrial(task))
      else await sink.saveExamination?.(task, await pool.examine(task))
      this.done++
      onTask?.(task, 'done')
    } catch (error) {
      if (error instanceof PoolLost) return false
      if (isInterrupt(error)) return true
      if (error instanceof GauntletError && error.code === 'GNT_STORE') throw error
      await this.#putAside(task, 'failed', error instanceof Error ? error.message : String(error))
    }
    return true
  }

  /** Notes that a task was in flight when its process died. @returns true if it may be tried again */
  async strike(task: Item): Promise<boolean> {
    const count = (this.#strikes.get(task.key) ?? 0) + 1
    this.#strikes.set(task.key, count)
    if (count < fatalStrikes) return true
    await this.#putAside(task, 'quarantined', `ended its worker process ${count} times`)
    return false
  }

  async #putAside(task: Item, kind: 'failed' | 'quarantined', message: string): Promise<void> {
    this.failed++
    await this.#options.sink.fail(task, kind, message)
    this.#options.onTask?.(task, 'failed')
  }
}

/** Runs tasks on one device until none is left. */
async function runLane(lane: Lane, work: Work, options: ExecuteOptions): Promise<void> {
  const isAborted = (): boolean => options.signal?.aborted ?? false
  const suspects: Item[] = []
  while ((work.queue.length > 0 || suspects.length > 0) && !isAborted()) {
    const lost: Item[] = []
    const suspect = suspects.shift()
    // A suspect runs alone, so that the next crash has one cause.
    if (suspect) {
      if (!(await work.settle(suspect, lane.pool))) lost.push(suspect)
    } else {
      const worker = async (): Promise<void> => {
        while (work.queue.length > 0 && lost.length === 0 && !isAborted()) {
          const task = work.queue.shift()!
          if (!(await work.settle(task, lane.pool))) lost.push(task)
        }
      }
      await Promise.all(Array.from({ length: lane.workers }, worker))
    }
    if (lost.length === 0 || isAborted()) continue
    for (const task of lost) if (await work.strike(task)) suspects.push(task)
    const next = await openLane(options, lane.device)
    if (!next) return
    lane.pool = next.pool
  }
}

async function rehearse(
  pool: Pool,
  task: Task | TrialTask,
  { plugins = [] }: Pick<ExecuteOptions, 'plugins'>,
): Promise<void> {
  try {
    if ('poison' in task) await pool.rehearseTrial(task)
    else await pool.rehearse(task)
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
    if (error instanceof GauntletError || plugins.length === 0 || 'poison' in task) throw error
    // What others have written may throw anything; of our own attacks it is a bug, and says so.
    const [message] = String(error instanceof Error ? error.message : error).split('\n')
    throw new GauntletError(
      'GNT_ATTACK_FAILED',
      {
        what: `the attack ${task.attack.attack} threw an error`,
        got: message,
        fix: 'gauntlet plugins test FILE tries it on a small model; --debug prints the stack',
      },
      { cause: error },
    )
  }
}

const isInterrupt = (error: unknown): boolean =>
  error instanceof GauntletError && error.code === 'GNT_INTERRUPTED'
