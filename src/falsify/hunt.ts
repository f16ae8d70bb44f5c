import type { Box } from '../property/box.js'
import { areAllTrue, marginOf } from '../property/margin.js'
import type { Region } from '../property/regions.js'
import type { Witness } from '../property/witness.js'
import type { FalsifiedNetwork } from './network.js'

/** Regions with the same box: a point of it is looked at for all of them. */
export interface Room {
  readonly box: Box
  /** Inputs that can move. */
  readonly free: readonly number[]
  /** Indices of its regions. */
  readonly regions: readonly number[]
}

/** The nearest miss so far. */
interface Best {
  margin: number
  x: Float32Array | null
}

/** Numbers that nearest misses may take together; with more regions only their margins are kept. */
const mostKept = 2 ** 24

/** With more regions in a room, a point that is meant for one is looked at for that one alone. */
const mostNeighbours = 64

/**
 * The search for a counterexample of one property: what was found so far, and the judge. Whatever proposes points hands
 * them to `look`; only `#judge` can say that one is a counterexample.
 */
export class Hunt {
  readonly network: FalsifiedNetwork
  readonly regions: readonly Region[]
  readonly rooms: readonly Room[]
  /** The room of each region. */
  readonly roomOf: readonly Room[]
  readonly #best: readonly Best[]
  readonly #isOver: () => boolean
  witness: Witness | null = null

  /** @param isOver - asked between calls of the runtime: the time is up, or nobody waits any more */
  constructor(network: FalsifiedNetwork, regions: readonly Region[], isOver: () => boolean) {
    this.network = network
    this.regions = regions
    this.#isOver = isOver
    const byBox = new Map<Box, number[]>()
    regions.forEach(({ box }, i) => byBox.set(box, [...(byBox.get(box) ?? []), i]))
    this.rooms = [...byBox].map(([box, own]) => ({ box, free: freeInputs(box), regions: own }))
    const rooms = new Map(this.rooms.map((room) => [room.box, room]))
    this.roomOf = regions.map(({ box }) => rooms.get(box)!)
    this.#best = regions.map(() => ({ margin: Infinity, x: null }))
  }

  /** Nothing more is to be done. */
  get isDone(): boolean {
    return this.witness !== null || this.#isOver()
  }

  bestMargin(region: number): number {
    return this.#best[region]!.margin
  }

  bestPoint(region: number): Float32Array | null {
    return this.#best[region]!.x
  }

  /** Regions of one room or of all, the nearest misses first. */
  ranked(regions: readonly number[] = this.regions.map((_, i) => i)): number[] {
    return regions.toSorted((a, b) => this.bestMargin(a) - this.bestMargin(b) || a - b)
  }

  /**
   * Looks at points of one room; the nearest are judged if they seem to be counterexamples.
   *
   * @param x - (n, inputs), inside the room's box
   * @param y - (n, outputs), as some batched pass gave them
   * @param own - the region that each point is meant for
   * @returns the margin of each point in its own region, or else the least over all of the room
   */
  async look(
    room: Room,
    x: Float32Array,
    y: Float32Array,
    n: number,
    own?: readonly number[],
  ): Promise<Float64Array> {
    const { inputs, outputs } = this.network
    const margins = new Float64Array(n).fill(Infinity)
    const least = new Float64Array(n).fill(Infinity)
    const isCrowded = room.regions.length > mostNeighbours
    for (let row = 0; row < n; row++) {
      const rows = { x, y, xFrom: row * inputs, yFrom: row * outputs }
      for (const index of own && isCrowded ? [own[row]!] : room.regions) {
        const margin = marginOf(this.regions[index]!, rows)
        if (margin < least[row]!) least[row] = margin
        if (own?.[row] === index) margins[row] = margin
        if (margin < this.bestMargin(index))
          this.#keep(index, margin, x.subarray(rows.xFrom, rows.xFrom + inputs))
      }
    }
    for (const row of seeming(least)) {
      if (this.witness) break
      await this.#judge(room, x.slice(row * inputs, (row + 1) * inputs))
    }
    return own ? margins : least
  }

  #keep(region: number, margin: number, x: Float32Array): void {
    const best = this.#best[region]!
    best.margin = margin
    if (this.regions.length * this.network.inputs <= mostKept) best.x = x.slice()
  }

  /**
   * A point is a counterexample if it lies in the box, and all atoms of one region are true, in double precision and
   * without tolerance, of what the unmodified file makes of it.
   */
  async #judge(room: Room, x: Float32Array): Promise<void> {
    const { lower, upper } = room.box
    if (!x.every((value, i) => value >= lower[i]! && value <= upper[i]!)) return
    const answers = await this.network.judge(x)
    if (!answers.every((y) => y.every(Number.isFinite))) return
    const isTrueOf = (region: Region): boolean =>
      answers.every((y) => areAllTrue(region, { x, y, xFrom: 0, yFrom: 0 }))
    if (room.regions.some((index) => isTrueOf(this.regions[index]!)))
      this.witness ??= { x, y: answers[0]! }
  }
}

const freeInputs = ({ lower, upper }: Box): number[] =>
  Array.from(lower, (_, i) => i).filter((i) => lower[i]! < upper[i]!)

/** A few rows that seem to be counterexamples, by margin: another kernel's rounding may have made the first one. */
function seeming(margins: Float64Array): number[] {
  const rows = Array.from(margins, (_, row) => row).filter((row) => margins[row]! <= 0)
  return rows.sort((a, b) => margins[a]! - margins[b]!).slice(0, mostJudged)
}

const mostJudged = 4
