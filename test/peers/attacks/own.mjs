/** Our side of the comparison: threads with the network open in each, and attacks on rows of the samples. */
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

const root = join(import.meta.dirname, '../../..')
const { makePlan } = await import(join(root, 'dist/src/plan/plan.js'))

export const batch = 64

/** What of a plan decides nothing about its shards. */
const anything = { version: '', path: '', digest: '', attack: '', params: {}, label: '' }
const threat = { norm: 'linf', epsilon: 0, bounds: [0, 1], goal: { kind: 'untargeted' } }

export class Own {
  #threads

  constructor(threads) {
    this.#threads = threads
  }

  /** @param pictures - x in shared memory, as the pool's threads have it */
  static async open(name, { pictures, threads }) {
    const script = join(import.meta.dirname, 'own-thread.mjs')
    const workerData = { name, pictures, batch }
    const opened = Array.from({ length: threads }, () => new Worker(script, { workerData }))
    for (const thread of opened) thread.setMaxListeners(0)
    await Promise.all(opened.map((thread) => once(thread, 'message')))
    return new Own(opened)
  }

  /** As the worker's `attack` answers; `runtime`: seconds of it inside calls of ONNX Runtime, over all threads. */
  async attack({ rows, closest, once, ...request }) {
    const ask = (part) => ({ ...request, closest, rows: part })
    // Programs are compiled once a model: not part of what is compared.
    await Promise.all(this.#threads.map((thread) => run(thread, ask(rows.slice(0, 2)))))
    const shards = shardsOf(rows, this.#threads.length).map(ask)
    const runs = []
    const begin = performance.now()
    // As many runs as fit into a second, at most twenty, and the shortest; so does the other side.
    const most = once ? 1 : 20
    while (runs.length < most && (runs.length === 0 || performance.now() - begin < 1000))
      runs.push(await this.#once(shards))
    const { answers, ...times } = runs.toSorted((a, b) => a.seconds - b.seconds)[0]
    const outcomes = answers.flatMap((answer) => answer.outcomes)
    return {
      success: outcomes.map((outcome) => outcome.success),
      distance: closest
        ? outcomes.map(({ adversarialPrediction, label, distance }) =>
            adversarialPrediction === label ? null : distance,
          )
        : [],
      gradients: outcomes.reduce((sum, outcome) => sum + outcome.gradients, 0),
      runtime: answers.reduce((sum, answer) => sum + answer.runtime, 0),
      ...times,
    }
  }

  /** Each thread takes the next shard when it is done with its last. */
  async #once(shards) {
    const answers = []
    let next = 0
    const before = process.cpuUsage()
    const start = performance.now()
    await Promise.all(
      this.#threads.map(async (thread) => {
        while (next < shards.length) {
          const shard = next++
          answers[shard] = await run(thread, shards[shard])
        }
      }),
    )
    const seconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(before)
    return { answers, seconds, cpu: (user + system) / 1e6 }
  }

  async close() {
    await Promise.all(
      this.#threads.map((thread) => {
        thread.postMessage(null, [])
        return once(thread, 'exit')
      }),
    )
  }
}

async function run(thread, request) {
  thread.postMessage(request, [])
  const [answer] = await once(thread, 'message')
  return answer
}

/** As the planner divides the samples of a cell among so many workers. */
function shardsOf(rows, workers) {
  const plan = makePlan({
    models: [anything],
    checks: [{ attack: anything, threat }],
    dataset: anything,
    samples: rows.length,
    seed: 1,
    devices: ['cpu'],
    batch,
    keepExamples: 0,
    multipleOf: workers,
  })
  return plan.cells[0].tasks.map(({ from, to }) => rows.slice(from, to))
}
