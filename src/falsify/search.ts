import type { Regions } from '../property/regions.js'
import type { Witness } from '../property/witness.js'
import { createRng, type Rng } from '../util/rng.js'
import type { Session } from '../runtime/session.js'
import { atomFeeds, type AtomFeeds } from './atom-feeds.js'
import { descend, type Descender } from './descend.js'
import { Hunt, type Room } from './hunt.js'
import type { FalsifiedNetwork } from './network.js'
import { fewInputs, sampleRoom, tryPlainPoints } from './sampling.js'
import { writeStart, type StartKind } from './starts.js'

export interface SearchOptions {
  readonly seed: number
  /** Asked between calls of the runtime: the time is up, or nobody waits any more. */
  readonly isOver: () => boolean
}

/** Steps of the first descents; the last number holds for all that follow. Easy properties fall to the first. */
const stepsOfRound = [12, 25, 60, 100]

/** Rooms that one round looks into. */
const roomsOfRound = 16

/**
 * Searches for a counterexample until one is found or the time is up: first the plainest points, then, in rounds that
 * begin anew, points drawn at random where there are few inputs, and descents from many starts. What a round does
 * depends on the seed and on what was found before, never on the clock.
 *
 * @returns null if none was found, which proves nothing
 */
export async function search(
  network: FalsifiedNetwork,
  { regions }: Regions,
  { seed, isOver }: SearchOptions,
): Promise<Witness | null> {
  const hunt = new Hunt(network, regions, isOver)
  const rng = createRng('falsify', seed)
  for (const room of hunt.rooms) {
    if (hunt.isDone) break
    await tryPlainPoints(hunt, room, rng)
  }
  // What is left is a point each: there is nowhere to go.
  if (hunt.isDone || !hunt.rooms.some(({ free }) => free.length > 0)) return hunt.witness
  const descent = await openDescent(hunt)
  for (let round = 0; !hunt.isDone; round++) {
    for (const room of roomsFor(hunt, round, rng.fork('rooms', round))) {
      if (hunt.isDone) break
      const points = room.free.length <= fewInputs ? 512 << Math.min(round, 3) : 64
      if (room.free.length <= fewInputs || !descent)
        await sampleRoom(hunt, room, points, rng.fork('sample', round))
    }
    if (descent && !hunt.isDone) await descendOnce(hunt, descent, round, rng.fork('descend', round))
  }
  return hunt.witness
}

/** The rooms of the nearest misses, and some others. */
function roomsFor(hunt: Hunt, round: number, rng: Rng): Room[] {
  const { roomOf } = hunt
  const rooms = hunt.rooms.filter(({ free }) => free.length > 0)
  if (rooms.length <= roomsOfRound) return rooms
  const near = hunt.ranked().slice(0, roomsOfRound / 2)
  const others = Array.from({ length: roomsOfRound / 2 }, (_, i) =>
    round === 0 ? rooms[i]! : rooms[rng.below(rooms.length)]!,
  )
  const nearRooms = near.map((region) => roomOf[region]!).filter(({ free }) => free.length > 0)
  return [...new Set([...nearRooms, ...others])]
}

/** Numbers that the matrices of a batch's atoms may hold. */
const mostWeights = 2 ** 22

/** What descents of a property run on, and are fed. */
interface Descent {
  readonly session: Session
  readonly feeds: AtomFeeds
  /** The rooms of these can be moved in, and their atoms descended. */
  readonly targets: readonly number[]
  readonly rows: number
}

/** @returns null where there is nothing to descend: the network has no gradient, or the property no atoms */
async function openDescent(hunt: Hunt): Promise<Descent | null> {
  const { network, regions } = hunt
  const { inputs, outputs } = network
  const targets = regions.flatMap(({ atoms }, i) =>
    atoms.length > 0 && hunt.roomOf[i]!.free.length > 0 ? [i] : [],
  )
  const readsInputs = regions.some(({ atoms }) => atoms.some(({ x }) => x.indices.length > 0))
  const session = targets.length > 0 ? await network.descent(readsInputs) : null
  if (!session) return null
  const atoms = targets.reduce((most, i) => Math.max(most, regions[i]!.atoms.length), 0)
  const perRow = atoms * (outputs + (readsInputs ? inputs : 0))
  const fitting = Math.min(rowsOf(inputs), Math.floor(mostWeights / perRow))
  const rows = network.rowsFor(Math.max(1, fitting))
  const feeds = atomFeeds({ rows, atoms, inputs, outputs, readsInputs })
  return { session, feeds, targets, rows }
}

async function descendOnce(hunt: Hunt, descent: Descent, round: number, rng: Rng): Promise<void> {
  const targets = hunt.ranked(descent.targets)
  const descenders = Array.from({ length: descent.rows }, (_, i) =>
    round === 0 ? firstDescender(hunt, targets, i, rng) : laterDescender(hunt, targets, rng),
  )
  const steps = stepsOfRound[Math.min(round, stepsOfRound.length - 1)]!
  await descend(hunt, descent.session, descenders, steps, descent.feeds, rng)
}

/** Rows of a batch: enough to fill the kernels, few enough that a step is short. */
const rowsOf = (inputs: number): number => (inputs <= 64 ? 128 : inputs <= 8192 ? 40 : 12)

const firstStarts: readonly StartKind[] = ['centre', 'upper', 'lower', 'corner', 'uniform']

/** In the first round: the plain starts for each region in turn. */
function firstDescender(hunt: Hunt, targets: readonly number[], row: number, rng: Rng): Descender {
  const region = targets[row % targets.length]!
  const start = firstStarts[Math.floor(row / targets.length) % firstStarts.length]!
  const x = new Float32Array(hunt.network.inputs)
  writeStart(start, hunt.roomOf[region]!.box, rng, x)
  const plain = { momentum: 0, isSign: true, sharpness: hard, isDiversified: false }
  return { region, x, stepSize: 0.25, ...plain }
}

const laterStarts: readonly (StartKind | 'best')[] = [
  'uniform',
  'corner',
  'best',
  'centre',
  'upper',
  'lower',
  'best',
]

/** In the rounds that follow: a mix of everything. */
function laterDescender(hunt: Hunt, targets: readonly number[], rng: Rng): Descender {
  const region = drawTarget(targets, rng)
  const start = laterStarts[rng.below(laterStarts.length)]!
  const x = new Float32Array(hunt.network.inputs)
  const best = start === 'best' ? hunt.bestPoint(region) : null
  if (best) x.set(best)
  else writeStart(start === 'best' ? 'uniform' : start, hunt.roomOf[region]!.box, rng, x)
  return {
    region,
    x,
    stepSize: pick(best ? [0.1, 0.03, 0.01, 0.003] : [0.5, 0.25, 0.1, 0.03], rng),
    momentum: pick([0, 0.75, 0.9], rng),
    isSign: rng.uniform() < (hunt.network.inputs <= 64 ? 0.5 : 0.8),
    sharpness: pick([hard, hard, 4, 1], rng),
    isDiversified: !best && rng.uniform() < 0.25,
  }
}

/** The maximum itself. */
const hard = 1e6

/** Half of the rows go to the nearest misses, the others anywhere. */
function drawTarget(targets: readonly number[], rng: Rng): number {
  const most = rng.uniform() < 0.5 ? Math.min(2, targets.length) : targets.length
  return targets[rng.below(most)]!
}

const pick = (values: readonly number[], rng: Rng): number => values[rng.below(values.length)]!
