import type { Region } from '../property/regions.js'
import type { Session } from '../runtime/session.js'
import type { Rng } from '../util/rng.js'
import { fillAtoms, fillRandomly, type AtomFeeds } from './atom-feeds.js'
import type { Hunt } from './hunt.js'

/** One row of a descent: where it starts, what it minimises, and how. */
export interface Descender {
  readonly region: number
  readonly x: Float32Array
  /** First step, in widths of the box. */
  readonly stepSize: number
  readonly momentum: number
  /** Along the signs of the gradient, or along itself. */
  readonly isSign: boolean
  /** Of the smooth maximum over the atoms. */
  readonly sharpness: number
  /**
   * Before it descends, takes a few steps along a random direction of the outputs: starts that differ in what the
   * network makes of them. Source: Tashiro et al. 2020, arXiv:2003.06878.
   */
  readonly isDiversified: boolean
}

const diversifyingSteps = 3

/** Share of the steps after which a row is looked at: no progress halves its step and takes it back to its best. */
const reviewShare = 0.2

/** Reviews without progress of any row, as where the network is flat, after which all begin anew elsewhere. */
const mostIdle = 3

/**
 * Descends with all rows in one batch, until one of them is a counterexample or the steps are done. As in APGD (Croce &
 * Hein 2020, arXiv:2003.01690) a row that stops getting better goes back to its best point with half the step.
 */
export async function descend(
  hunt: Hunt,
  session: Session,
  rows: readonly Descender[],
  steps: number,
  feeds: AtomFeeds,
  rng: Rng,
): Promise<void> {
  const { network } = hunt
  const size = network.inputs
  const n = rows.length
  const state = new DescentState(hunt, rows)
  const regions = rows.map(({ region }) => hunt.regions[region]!)
  fillAtoms(feeds, regions)
  if (rows.some(({ isDiversified }) => isDiversified))
    fillRandomly(
      feeds,
      rows.map(({ isDiversified }) => isDiversified),
      rng,
    )
  const review = Math.max(2, Math.round(steps * reviewShare))
  let idle = 0
  for (let step = 0; step <= steps && !hunt.isDone; step++) {
    if (step === diversifyingSteps) fillAtoms(feeds, regions)
    const results = await session.run(state.feeds(feeds))
    const y = results['y']!.data as Float32Array
    await lookAtAll(hunt, state, y)
    if (step < diversifyingSteps) state.forget(rows)
    state.move(
      results['x_next']!.data as Float32Array,
      results['velocity_next']!.data as Float32Array,
    )
    if ((step + 1) % review > 0) continue
    idle = state.review() ? 0 : idle + 1
    if (idle === mostIdle) return
  }

  /** Rows of one room at a time. */
  async function lookAtAll(of: Hunt, at: DescentState, y: Float32Array): Promise<void> {
    const { outputs } = network
    for (const room of new Set(rows.map(({ region }) => of.roomOf[region]!))) {
      const own = rows.flatMap(({ region }, i) => (of.roomOf[region] === room ? [i] : []))
      const isAll = own.length === n
      const x = isAll ? at.x : gather(at.x, own, size)
      const out = isAll ? y : gather(y, own, outputs)
      const meant = own.map((row) => rows[row]!.region)
      const margins = await of.look(room, x, out, own.length, meant)
      own.forEach((row, i) => at.note(row, margins[i]!))
      if (of.isDone) return
    }
  }
}

function gather(data: Float32Array, rows: readonly number[], size: number): Float32Array {
  const out = new Float32Array(rows.length * size)
  rows.forEach((row, i) => out.set(data.subarray(row * size, (row + 1) * size), i * size))
  return out
}

/** What changes from step to step. */
class DescentState {
  x: Float32Array
  readonly #hunt: Hunt
  readonly #n: number
  readonly #lower: Float32Array
  readonly #upper: Float32Array
  #velocity: Float32Array
  readonly #stepSize: Float32Array
  readonly #momentum: Float32Array
  readonly #isSign: Float32Array
  readonly #sharpness: Float32Array
  /** Best point of each row, its margin, and that of the last review. */
  readonly #bestX: Float32Array
  readonly #best: Float64Array
  readonly #reviewed: Float64Array

  constructor(hunt: Hunt, rows: readonly Descender[]) {
    const size = hunt.network.inputs
    const fill = (of: (region: Region, row: Descender) => Float32Array): Float32Array => {
      const out = new Float32Array(rows.length * size)
      rows.forEach((row, i) => out.set(of(hunt.regions[row.region]!, row), i * size))
      return out
    }
    this.#hunt = hunt
    this.#n = rows.length
    this.x = fill((_, row) => row.x)
    this.#lower = fill(({ box }) => box.lower)
    this.#upper = fill(({ box }) => box.upper)
    this.#velocity = new Float32Array(rows.length * size)
    this.#stepSize = Float32Array.from(rows, ({ stepSize }) => stepSize)
    this.#momentum = Float32Array.from(rows, ({ momentum }) => momentum)
    this.#isSign = Float32Array.from(rows, ({ isSign }) => (isSign ? 1 : 0))
    this.#sharpness = Float32Array.from(rows, ({ sharpness }) => sharpness)
    this.#bestX = this.x.slice()
    this.#best = new Float64Array(rows.length).fill(Infinity)
    this.#reviewed = new Float64Array(rows.length).fill(Infinity)
  }

  feeds({ yWeights, bounds, xWeights }: AtomFeeds) {
    const { network } = this.#hunt
    const column = (data: Float32Array) => ({ dtype: 'float32', dims: [this.#n, 1], data }) as const
    return {
      [network.descentInput]: network.samples(this.x, this.#n),
      lower: network.samples(this.#lower, this.#n),
      upper: network.samples(this.#upper, this.#n),
      velocity: network.samples(this.#velocity, this.#n),
      step_size: column(this.#stepSize),
      momentum: column(this.#momentum),
      is_sign: column(this.#isSign),
      sharpness: column(this.#sharpness),
      y_weights: yWeights,
      bounds,
      ...(xWeights ? { x_weights: xWeights } : {}),
    }
  }

  /** The margin of a row where it stands. */
  note(row: number, margin: number): void {
    if (!(margin < this.#best[row]!)) return
    const size = this.#hunt.network.inputs
    this.#best[row] = margin
    this.#bestX.set(this.x.subarray(row * size, (row + 1) * size), row * size)
  }

  /** While a row diversifies, no point is a best one to go back to. */
  forget(rows: readonly Descender[]): void {
    rows.forEach(({ isDiversified }, row) => {
      if (isDiversified) this.#best[row] = Infinity
    })
  }

  move(x: Float32Array, velocity: Float32Array): void {
    this.x = x
    this.#velocity = velocity
  }

  /** @returns whether any row has got better since the last time */
  review(): boolean {
    const size = this.#hunt.network.inputs
    let hasProgress = false
    for (let row = 0; row < this.#n; row++) {
      const isBetter = this.#best[row]! < this.#reviewed[row]!
      this.#reviewed[row] = this.#best[row]!
      hasProgress ||= isBetter
      if (isBetter) continue
      this.#stepSize[row]! /= 2
      const from = row * size
      this.x.set(this.#bestX.subarray(from, from + size), from)
      this.#velocity.fill(0, from, from + size)
    }
    return hasProgress
  }
}
