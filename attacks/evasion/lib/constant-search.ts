interface ConstantSearchOptions {
  /** c of the first run. */
  readonly first: number
  readonly runs: number
  /** Most steps in a run. */
  readonly steps: number
  /** A run ends when the objective has not fallen by 0.01 % within a tenth of its steps. */
  readonly abortEarly: boolean
}

/**
 * Search for the least c at which `distance + c·f` is smallest at an example: ten times as much until one is found, then
 * by halves. Of one sample: when its run ends, its next one begins, whatever the others do.
 * Source: Carlini & Wagner 2017, arXiv:1608.04644, sections V.B and VI.A, and the authors' program for the early end.
 */
export class ConstantSearch {
  readonly #options: ConstantSearchOptions
  constant: number
  /** Of the current run. */
  step = 0
  #run = 0
  #lower = 0
  #upper = Infinity
  #hasReached = false
  #previous = Infinity

  constructor(options: ConstantSearchOptions) {
    this.#options = options
    this.constant = options.first
  }

  /**
   * Notes a step: whether its point was an example, and the objective there.
   * @returns what comes next: a step, the first step of a run with another constant, or the end
   */
  next(isExample: boolean, objective: number): 'step' | 'run' | 'end' {
    const { steps, runs } = this.#options
    this.#hasReached ||= isExample
    const isLast = ++this.step >= steps || this.#hasStalled(objective)
    if (!isLast) return 'step'
    if (++this.#run >= runs) return 'end'
    if (this.#hasReached) this.#upper = Math.min(this.#upper, this.constant)
    else this.#lower = Math.max(this.#lower, this.constant)
    this.constant =
      this.#upper < Infinity ? (this.#lower + this.#upper) / 2 : Math.min(this.constant * 10, 1e10)
    this.step = 0
    this.#hasReached = false
    this.#previous = Infinity
    return 'run'
  }

  #hasStalled(objective: number): boolean {
    const { steps, abortEarly } = this.#options
    if (!abortEarly || (this.step - 1) % Math.ceil(steps / 10) !== 0) return false
    const hasStalled = !(objective <= 0.9999 * this.#previous)
    this.#previous = objective
    return hasStalled
  }
}
