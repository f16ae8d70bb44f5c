import { kernels } from '../../../src/plugin.js'

/** Adam with the constants of its paper: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1. */
export class Adam {
  readonly #mean: Float32Array
  readonly #variance: Float32Array
  #step = 0

  constructor(size: number) {
    this.#mean = new Float32Array(size)
    this.#variance = new Float32Array(size)
  }

  forget(): void {
    this.#mean.fill(0)
    this.#variance.fill(0)
    this.#step = 0
  }

  /** Moves the values against their gradient, in place. */
  descend(values: Float32Array, gradient: Float32Array, stepSize: number): void {
    this.#step++
    const size = stepSize / (1 - 0.9 ** this.#step)
    const correction = 1 / Math.sqrt(1 - 0.999 ** this.#step)
    kernels.adam(
      values,
      gradient,
      { mean: this.#mean, variance: this.#variance },
      { size, correction },
    )
  }
}
