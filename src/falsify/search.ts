import type { Regions } from '../property/regions.js'
import type { Witness } from '../property/witness.js'
import { createRng, type Rng } from '../util/rng.js'
import { atomFeeds } from './atom-feeds.js'
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
  const canMove = hunt.rooms.some(({ free }) => free.length > 0)
  for (let round = 0; canMove && regions.length > 0 && !hunt.isDone; round++) {
    for (const room of roomsFor(hunt, round, rng.fork('rooms', round))) {
      if (hunt.isDone) break
      if (room.free.length <= fewInputs)
        await sampleRoom(hunt, room, 512 << Math.min(round, 3), rng.fork('sample', round))
    }
    if (!hunt.isDone) await descendOnce(hunt, round, rng.fork('descend', round))
  }
  return hunt.witness
}

/** The rooms of the nearest misses, and some others. */
function roomsFor(hunt: Hunt, round: number, rng: Rng): Room[] {
  const { rooms, roomOf } = hunt
  if (rooms.length <= roomsOfRound) return [...rooms]
  const near = hunt.ranked().slice(0, roomsOfRound / 2)
  const others = Array.from({ length: roomsOfRound / 2 }, (_, i) =>
    round === 0 ? rooms[i]! : rooms[rng.below(rooms.length)]!,
  )
  return [...new Set([...near.map((region) => roomOf[region]!), ...others])]
}

/** Numbers that the matrices of a batch's atoms may hold. */
const mostWeights = 2 ** 22

async function descendOnce(hunt: Hunt, round: number, rng: Rng): Promise<void> {
  const { network, regions } = hunt
  const readsInputs = regions.some(({ atoms }) => atoms.some(({ x }) => x.indices.length > 0))
  const session = await network.descent(readsInputs)
  const atoms = Math.max(...regions.map((region) => region.atoms.length))
  const targets = hunt
    .ranked()
    .filter((i) => regions[i]!.atoms.length > 0 && hunt.roomOf[i]!.free.length > 0)
  if (!session || targets.length === 0) return
  const { inputs, outputs } = network
  const perRow = atoms * (outputs + (readsInputs ? inputs : 0))
  const rows = network.rowsFor(Math.max(1, Math.min(rowsOf(inputs), Math.floor(mostWeights / perRow))))
  const descenders = Array.from({ length: rows }, (_, i) =>
    drawDescender(hunt, targets, round, i, rng),
  )
  const feeds = atomFeeds({ rows, atoms, inputs, outputs, readsInputs })
  const steps = stepsOfRound[Math.min(round, stepsOfRound.length - 1)]!
  await descend(hunt, session, descenders, steps, feeds, rng)
}

/** Rows of a batch: enough to fill the kernels, few enough that a step is short. */
const rowsOf = (inputs: number): number => (inputs <= 64 ? 128 : inputs <= 8192 ? 40 : 12)

/** The first round takes the plain starts for each region in turn; later ones mix everything. */
const firstStarts: readonly StartKind[] = ['centre', 'upper', 'lower', 'corner', 'uniform']
const laterStarts: readonly (StartKind | 'best')[] = [
  'uniform',
  'corner',
  'best',
  'centre',
  'upper',
  'lower',
  'best',
]

function drawDescender(
  hunt: Hunt,
  targets: readonly number[],
  round: number,
  row: number,
  rng: Rng,
): Descender {
  const isFirst = round === 0
  const region = isFirst ? targets[row % targets.length]! : drawTarget(targets, rng)
  const start = isFirst
    ? firstStarts[Math.floor(row / targets.length) % firstStarts.length]!
    : laterStarts[rng.below(laterStarts.length)]!
  const x = new Float32Array(hunt.network.inputs)
  const best = hunt.bestPoint(region)
  if (start === 'best' && best) x.set(best)
  else writeStart(start === 'best' ? 'uniform' : start, hunt.roomOf[region]!.box, rng, x)
  if (isFirst)
    return { region, x, stepSize: 0.25, momentum: 0, isSign: true, sharpness: hard, isDiversified: false }
  return {
    region,
    x,
    stepSize: start === 'best' ? pick([0.1, 0.03, 0.01, 0.003], rng) : pick([0.5, 0.25, 0.1, 0.03], rng),
    momentum: pick([0, 0.75, 0.9], rng),
    isSign: rng.uniform() < (hunt.network.inputs <= 64 ? 0.5 : 0.8),
    sharpness: pick([hard, hard, 4, 1], rng),
    isDiversified: rng.uniform() < 0.2,
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
