/** Our side of the comparison: a network opened once, and attacks on rows of the samples. */
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')
const { runAttack } = await import(join(root, 'dist/src/attack/host.js'))
const { AttackRegistry } = await import(join(root, 'dist/src/attack/registry.js'))
const { builtInAttacks } = await import(join(root, 'dist/attacks/index.js'))
const { ModelHandle } = await import(join(root, 'dist/src/model/handle.js'))
const { prepareModel } = await import(join(root, 'dist/src/model/prepare.js'))

const registry = new AttackRegistry(builtInAttacks)

export class Own {
  #handle
  #x
  #labels

  constructor(handle, x, labels) {
    this.#handle = handle
    this.#x = x
    this.#labels = labels
  }

  static async open({ graph, options }, { x, labels, threads }) {
    const prepared = await prepareModel(graph, options)
    return new Own(await ModelHandle.open(prepared, { threads }), x, labels)
  }

  get prepared() {
    return this.#handle.prepared
  }

  /** @returns by sample: whether the model is right */
  async right() {
    const n = this.#labels.length
    const { classes } = this.#handle
    const scores = await this.#handle.scores(this.#x, n, 64)
    return Array.from(this.#labels, (label, i) => {
      const row = scores.subarray(i * classes, (i + 1) * classes)
      return row.indexOf(Math.max(...row)) === label
    })
  }

  /** As the worker's `attack` answers. */
  async attack({ own: [id, params], norm, epsilon, closest, rows }) {
    // Programs are compiled once a model: not part of what is compared.
    await this.#run({ id, params, norm, epsilon, closest, rows: rows.slice(0, 2) })
    const runs = []
    const begin = performance.now()
    // As many runs as fit into a second, at most five, and the shortest; so does the other side.
    while (runs.length < 5 && (runs.length === 0 || performance.now() - begin < 1000)) {
      const start = process.cpuUsage()
      const { outcomes } = await this.#run({ id, params, norm, epsilon, closest, rows })
      const { user, system } = process.cpuUsage(start)
      runs.push({ outcomes, seconds: (user + system) / 1e6 })
    }
    const { outcomes, seconds } = runs.toSorted((a, b) => a.seconds - b.seconds)[0]
    return {
      success: outcomes.map((outcome) => outcome.success),
      distance: closest
        ? outcomes.map(({ adversarialPrediction, label, distance }) =>
            adversarialPrediction === label ? null : distance,
          )
        : [],
      seconds,
      gradients: outcomes.reduce((sum, outcome) => sum + outcome.gradients, 0),
    }
  }

  #run({ id, params, norm, epsilon, closest, rows }) {
    const size = this.#x.length / this.#labels.length
    const x = new Float32Array(rows.length * size)
    rows.forEach((row, i) => x.set(this.#x.subarray(row * size, (row + 1) * size), i * size))
    return runAttack({
      model: this.#handle,
      plugin: registry.get(id),
      spec: registry.specify(id, params),
      threat: { norm, epsilon, bounds: [0, 1], goal: { kind: 'untargeted' } },
      x,
      labels: Int32Array.from(rows, (row) => this.#labels[row]),
      samples: rows,
      seed: 1,
      batch: 64,
      search: closest ? 'closest' : 'fallen',
      isCancelled: () => false,
    })
  }

  close() {
    return this.#handle.close()
  }
}
