interface ConstantSearchOptions {
  /** c of the first run. */
  readonly first: number
  readonly runs: number
  /** Most steps in a run. */
  readonly steps: number
  /**
   * A run ends when so many times on end its best objective has not fallen by 0.01 % within a tenth of its steps; but not
   * while the distance grows by half: at a bound tanh is flat, and a value needs many steps to leave it.
   */
  readonly patience: number
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
  /** Lowest objective so far; that and the distance when progress was last looked at. */
  #best = Infinity
  #previous = { best: Infinity, distance: 0 }
  #stalls = 0

  constructor(options: ConstantSearchOptions) {
    this.#options = options
    this.constant = options.first
  }

  /**
   * Notes a step: whether its point was an example, the objective there, and the distance that is part of it.
   * @returns what comes next: a step, the first step of a run with another constant, or the end
   */
  next(isExample: boolean, objective: number, distance: number): 'step' | 'run' | 'end' {
    const { steps, runs } = this.#options
    this.#hasReached ||= isExample
    this.#best = Math.min(this.#best, objective)
    const isLast = ++this.step >= steps || this.#hasStalled(distance)
    if (!isLast) return 'step'
    if (++this.#run >= runs) return 'end'
    if (this.#hasReached) this.#upper = Math.min(this.#upper, this.constant)
    else this.#lower = Math.max(this.#lower, this.constant)
    this.constant =
      this.#upper < Infinity ? (this.#lower + this.#upper) / 2 : Math.min(this.constant * 10, 1e10)
    this.step = 0
    this.#hasReached = false
    this.#best = Infinity
    this.#previous = { best: Infinity, distance: 0 }
    this.#stalls = 0
    return 'run'
  }

  #hasStalled(distance: number): boolean {
    const { steps, patience } = this.#options
    if ((this.step - 1) % Math.ceil(steps / 10) !== 0) return false
    const { best, distance: before } = this.#previous
    this.#previous = { best: this.#best, distance }
    const progresses = this.#best <= 0.9999 * best || distance > 1.5 * before
    this.#stalls = progresses ? 0 : this.#stalls + 1
    return this.#stalls >= patience
  }
}
