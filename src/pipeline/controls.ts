import type { Graph } from '../graph/ir.js'

/** The clean arm of a trial: a training on the clean data, and what detectors flag in them. */
export interface Control {
  readonly graph: Graph
  readonly seconds: number
  /** Samples that a detector flags in the clean data, by what names the detector; filled in as they are asked for. */
  readonly flagged: Map<string, Promise<number | null>>
}

/** Trainings on clean data that one thread keeps. */
const kept = 2

/** Trainings on the clean data, the latest few: trials of one seed share theirs, whatever their poison. */
export class Controls {
  readonly #known = new Map<string, Promise<Control>>()

  /** @param key - everything that can change the training */
  get(key: string, train: () => Promise<Control>): Promise<Control> {
    const known = this.#known.get(key)
    if (known) {
      // Re-inserted as the most recent.
      this.#known.delete(key)
      this.#known.set(key, known)
      return known
    }
    const trained = train()
    this.#known.set(key, trained)
    trained.catch(() => this.#known.delete(key))
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= kept) break
      this.#known.delete(oldest)
    }
    return trained
  }
}
