import type { Graph } from '../graph/ir.js'

/** A training on the clean data: the clean arm of every trial with its seed. */
export interface Control {
  readonly graph: Graph
  readonly seconds: number
  /** Samples that a detector flags in the clean data, by what names detector and setting; filled in as they are asked for. */
  readonly flagged: Map<string, number>
  /** Class probabilities of the clean data by networks that were not trained on them. */
  outOfSample?: () => Promise<Float32Array>
}

/** Trainings on clean data that one thread keeps. */
const kept = 2

/** Trainings on the clean data, the latest few: trials of one seed share theirs, whatever their poison. */
export class Controls {
  readonly #known = new Map<string, Promise<Control>>()

  /** @param key - everything that can change the training */
  get(key: string, train: () => Promise<Control>): Promise<Control> {
    const control = this.#known.get(key) ?? train()
    // Re-inserted as the most recent.
    this.#known.delete(key)
    this.#known.set(key, control)
    control.catch(() => this.#known.delete(key))
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= kept) break
      this.#known.delete(oldest)
    }
    return control
  }
}
