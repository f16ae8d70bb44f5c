import { argmax } from '../model/handle.js'
import type { Rng } from '../util/rng.js'
import { isPrediction } from './checks.js'
import type { Living } from './living.js'
import type { ClosestExample, Sample } from './types.js'

/** Names of the columns that calls fill. */
export const filled = { scores: 'scores', loss: 'loss', gradient: 'gradient' } as const

interface SampleSettings {
  readonly living: Living
  readonly row: number
  readonly label: number
  readonly target: number
  readonly classes: number
  readonly rng: () => Rng
  readonly isFooled: (prediction: number) => boolean
  readonly closest: () => ClosestExample | null
}

/** A living sample as an attack sees it. The host moves `row` when rows are packed anew, and gives it its stream. */
export class LivingSample implements Sample {
  readonly id: number
  readonly label: number
  readonly target: number
  readonly #settings: SampleSettings
  row: number
  /** Made when it is first asked for: not every attack draws. */
  #rng: Rng | (() => Rng)
  mayReadScores = true

  constructor(id: number, settings: SampleSettings) {
    this.id = id
    this.#rng = settings.rng
    this.row = settings.row
    this.label = settings.label
    this.target = settings.target
    this.#settings = settings
  }

  get rng(): Rng {
    if (typeof this.#rng === 'function') this.#rng = this.#rng()
    return this.#rng
  }

  /** Gives it another stream. */
  draw(rng: () => Rng): void {
    this.#rng = rng
  }

  get clean(): Float32Array {
    const { living } = this.#settings
    return living.row(living.x, this.row)
  }

  get point(): Float32Array {
    const { living } = this.#settings
    return living.row(living.xAdv, this.row)
  }

  get scores(): Float32Array {
    if (!this.mayReadScores)
      throw new Error('an attack that reads scores declares needs: scores or gradient')
    return this.#scores
  }

  get prediction(): number {
    return argmax(this.#scores, 0, this.#settings.classes)
  }

  get isFooled(): boolean {
    return isPrediction(this.#scores) && this.#settings.isFooled(this.prediction)
  }

  get loss(): number {
    return this.#settings.living.column(filled.loss, 1, NaN).data[this.row]!
  }

  get gradient(): Float32Array {
    const { living } = this.#settings
    return living.column(filled.gradient, living.size).row(this.row)
  }

  get closest(): ClosestExample | null {
    return this.#settings.closest()
  }

  get #scores(): Float32Array {
    const { living, classes } = this.#settings
    return living.column(filled.scores, classes, NaN).row(this.row)
  }
}
