/**
 * The process that holds the worker threads. A child of the coordinator: if native code crashes here, the
 * coordinator survives, and starts another. Results go back over IPC; nothing is written from here.
 */
import { Piscina } from 'piscina'
import type { Dataset } from '../src/data/dataset.js'
import { loadDataset } from '../src/data/load.js'
import { GauntletError } from '../src/errors.js'
import { removeWeights } from '../src/onnx/weight-store.js'
import type { FromPool, PoolSettings, ThreadAnswer, ThreadJob, ToPool } from './messages.js'
import type { ThreadData } from './pool-thread.js'
import { toWire } from './wire-error.js'

const cancel = new SharedArrayBuffer(4)
const flag = new Int32Array(cancel)
let pool: Piscina<ThreadJob, ThreadAnswer> | undefined
let busy = 0
let stopping = false

function send(message: FromPool): void {
  // A coordinator that has just been killed is noticed by `disconnect`; it must not be an uncaught error as well.
  if (process.connected) process.send!(message, undefined, {}, () => {})
}

async function start(settings: PoolSettings): Promise<void> {
  const { workers, device, plugins = [] } = settings
  try {
    const dataset = await load(settings.dataset)
    const trainingData = settings.trainingData && (await load(settings.trainingData))
    const workerData: ThreadData = { dataset, trainingData, cancel, device, plugins }
    pool = new Piscina({
      filename: new URL('./pool-thread.js', import.meta.url).href,
      minThreads: workers,
      maxThreads: workers,
      idleTimeout: Infinity,
      workerData,
    })
    send({ type: 'ready' })
  } catch (error) {
    send({ type: 'refused', error: toWire(error) })
  }
}

/** @throws GNT_FILE where it is no longer what the plan was made of */
async function load(spec: PoolSettings['dataset']): Promise<Dataset> {
  const dataset = await loadDataset(spec)
  if (dataset.digest === spec.digest) return dataset
  throw new GauntletError('GNT_FILE', {
    what: 'the data set changed while the run was under way',
    where: spec.path,
    fix: 'start the run again',
  })
}

async function run(id: number, job: ThreadJob): Promise<void> {
  busy++
  try {
    const answer = await pool!.run(job)
    if ('result' in answer) send({ type: 'result', id, result: answer.result })
    else send({ type: 'error', id, error: answer.error })
  } catch (error) {
    send({ type: 'error', id, error: toWire(error) })
  } finally {
    busy--
    if (stopping) void leave()
  }
}

/** Only when no thread is inside ONNX Runtime: ending one there would abort the process. */
async function leave(): Promise<void> {
  stopping = true
  if (busy > 0) return
  await pool?.destroy()
  // Threads that are ended do not clear up.
  removeWeights()
  process.exit(0)
}

process.on('message', (message: ToPool) => {
  switch (message.type) {
    case 'start':
      void start(message)
      return
    case 'job': {
      const { id, type: _, ...job } = message
      void run(id, job)
      return
    }
    case 'cancel':
      Atomics.store(flag, 0, 1)
      return
    case 'stop':
      void leave()
  }
})
// The coordinator is gone (killed): finish the step under way and go.
process.on('disconnect', () => {
  Atomics.store(flag, 0, 1)
  void leave()
})
// Ctrl-C reaches the whole process group; the coordinator decides what happens.
process.on('SIGINT', () => {})
