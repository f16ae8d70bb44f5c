import { workerData } from 'node:worker_threads'
import { builtInAttacks } from '../attacks/index.js'
import { AttackRegistry } from '../src/attack/registry.js'
import { loadPlugins } from '../src/config/load-plugins.js'
import type { Dataset } from '../src/data/dataset.js'
import type { ThreadAnswer, ThreadJob } from './messages.js'
import { TaskRunner } from './run-task.js'
import type { TrialRunner } from './run-trial.js'
import { toWire } from './wire-error.js'

/** Shared with the main thread of the pool's process; the data set's arrays are SharedArrayBuffers. */
export interface ThreadData {
  readonly dataset: Dataset
  /** What trials poison. */
  readonly trainingData: Dataset | undefined
  /** One int32: not 0 means stop at the next step. A thread is never stopped inside ONNX Runtime. */
  readonly cancel: SharedArrayBuffer
  /** Execution provider of ONNX Runtime. */
  readonly device: string
  /** Modules with attacks and poisons of third parties. */
  readonly plugins: readonly string[]
}

const { dataset, trainingData, cancel, device, plugins } = workerData as ThreadData
const flag = new Int32Array(cancel)
// Loaded by the first task, so that a plugin that fails is reported like any other error.
let runner: Promise<TaskRunner> | undefined

async function createRunner(): Promise<TaskRunner> {
  const { attacks } = await loadPlugins(plugins, process.cwd())
  const registry = new AttackRegistry([...builtInAttacks, ...attacks])
  return new TaskRunner(dataset, {
    registry,
    device,
    isCancelled: () => Atomics.load(flag, 0) !== 0,
  })
}

let trials: Promise<TrialRunner> | undefined

/** Most runs train nothing: what it takes is loaded by the first trial. */
async function createTrialRunner(): Promise<TrialRunner> {
  if (!trainingData) throw new Error('a trial without training data')
  const { TrialRunner } = await import('./run-trial.js')
  const { poisons } = await loadPlugins(plugins, process.cwd())
  return new TrialRunner(trainingData, dataset, {
    poisons,
    device,
    isCancelled: () => Atomics.load(flag, 0) !== 0,
  })
}

/** Errors are returned, not thrown: structured clone would drop their code. */
export default async function runJob(job: ThreadJob): Promise<ThreadAnswer> {
  try {
    switch (job.kind) {
      case 'attack':
        return { result: await (await (runner ??= createRunner())).run(job.task) }
      case 'examination':
        return { result: await (await (runner ??= createRunner())).examine(job.task) }
      case 'rehearsal':
        await (await (runner ??= createRunner())).rehearse(job.task)
        return { result: null }
      case 'trial':
        return { result: await (await (trials ??= createTrialRunner())).run(job.task) }
      case 'trial-rehearsal':
        await (await (trials ??= createTrialRunner())).rehearse(job.task)
        return { result: null }
    }
  } catch (error) {
    return { error: toWire(error) }
  }
}
