import { GauntletError } from '../src/errors.js'
import type { FalsifyJob, FalsifyResult } from '../src/falsify/falsify.js'
import { abortsWithin, groupSignalMs } from './coordinator.js'
import { FalsifyProcess } from './falsify-process.js'
import { PoolLost } from './host-process.js'

/** An instance, named by its id. */
export interface NamedJob extends FalsifyJob {
  readonly id: string
}

/** What became of a job: a result, or why there is none. */
export type Settled =
  | { readonly job: NamedJob; readonly result: FalsifyResult }
  | { readonly job: NamedJob; readonly error: Error; readonly seconds: number }

export interface FalsifyAllOptions {
  readonly jobs: readonly NamedJob[]
  readonly workers: number
  readonly signal?: AbortSignal | undefined
  /** In the order in which they are done. */
  readonly onSettled: (settled: Settled) => Promise<void> | void
}

/**
 * Falsifies instances on worker processes. A worker goes on with the network that it has open for as long as there are
 * instances of it. An instance that ends its process is lost, the others are not. On abort the instances under way end
 * at their next step, and are left out.
 *
 * @throws what `onSettled` throws, and bugs of a worker: then the others are stopped as well
 */
export async function falsifyAll({
  jobs,
  workers,
  signal,
  onSettled,
}: FalsifyAllOptions): Promise<void> {
  const queue = new Queue(jobs)
  const open = new Set<FalsifyProcess>()
  const cancel = (): void => {
    for (const process of open) process.cancel()
  }
  signal?.addEventListener('abort', cancel)
  let hasFailed = false
  const isAborted = (): boolean => hasFailed || (signal?.aborted ?? false)
  const start = (): FalsifyProcess => {
    const process = new FalsifyProcess()
    open.add(process)
    return process
  }
  const work = async (worker: number): Promise<void> => {
    let process = start()
    while (!isAborted()) {
      const job = queue.next(worker)
      if (!job) break
      if (process.hasEnded) {
        open.delete(process)
        process = start()
      }
      const settled = await settle(process, job)
      if ('error' in settled && settled.error instanceof PoolLost)
        await abortsWithin(signal, groupSignalMs)
      if (isAborted() && 'error' in settled) break
      await onSettled(settled)
    }
    await process.stop()
    open.delete(process)
  }
  try {
    const count = Math.min(workers, jobs.length)
    await Promise.all(Array.from({ length: count }, (_, worker) => work(worker)))
  } catch (error) {
    hasFailed = true
    throw error
  } finally {
    signal?.removeEventListener('abort', cancel)
    cancel()
    await Promise.all([...open].map((process) => process.stop()))
  }
}

async function settle(process: FalsifyProcess, job: NamedJob): Promise<Settled> {
  const start = performance.now()
  try {
    const { id: _, ...plain } = job
    return { job, result: await process.run(plain) }
  } catch (error) {
    // What is neither a person's doing nor a crash is a bug, and ends the run.
    if (!(error instanceof GauntletError || error instanceof PoolLost)) throw error
    return { job, error, seconds: (performance.now() - start) / 1000 }
  }
}

/** Jobs, handed out so that workers stay with a network. */
class Queue {
  readonly #left: NamedJob[]
  /** The network that each worker has open. */
  readonly #models = new Map<number, string>()

  constructor(jobs: readonly NamedJob[]) {
    this.#left = [...jobs]
  }

  next(worker: number): NamedJob | undefined {
    const others = new Set(
      [...this.#models].flatMap(([who, model]) => (who === worker ? [] : model)),
    )
    const own = this.#left.findIndex(({ model }) => model === this.#models.get(worker))
    const unclaimed = this.#left.findIndex(({ model }) => !others.has(model))
    const at = own >= 0 ? own : Math.max(0, unclaimed)
    const [job] = this.#left.splice(at, 1)
    if (job) this.#models.set(worker, job.model)
    return job
  }
}
