import type { Box } from '../property/box.js'
import type { Rng } from '../util/rng.js'
import { range, shuffle } from '../util/shuffle.js'
import type { Hunt, Room } from './hunt.js'
import { between, clip, writeStart, type StartKind } from './starts.js'

/** Boxes with no more free inputs are worth drawing points from blindly. */
export const fewInputs = 16

/** Corners are tried one and all up to this many. */
const mostCorners = 256

/** The plainest points first: the middle, the extremes, a few corners, or all of them where they are few. */
export async function tryPlainPoints(hunt: Hunt, room: Room, rng: Rng): Promise<void> {
  const kinds: StartKind[] = ['centre', 'lower', 'upper', 'corner', 'corner', 'corner', 'corner']
  await tryPoints(hunt, room, kinds.length, (out, i) => writeStart(kinds[i]!, room.box, rng, out))
  const corners = 2 ** Math.min(30, room.free.length)
  if (hunt.isDone || corners > mostCorners) return
  await tryPoints(hunt, room, corners, (out, i) => {
    out.set(room.box.lower)
    room.free.forEach((input, bit) => {
      if ((i >> bit) & 1) out[input] = room.box.upper[input]!
    })
  })
}

/**
 * Draws points all over a box, then around the nearest misses, closer and closer.
 * @param count - points of the first draw: of few inputs a Latin hypercube (McKay et al. 1979), else uniform and corners
 */
export async function sampleRoom(hunt: Hunt, room: Room, count: number, rng: Rng): Promise<void> {
  const isSmall = room.free.length <= fewInputs
  const write = isSmall ? hypercube(room, count, rng) : scatter(room, rng)
  let parents = await tryPoints(hunt, room, count, write)
  for (const radius of radii) {
    if (hunt.isDone || parents.length === 0) return
    const pool = [...kept(hunt, room), ...parents]
    const children = await tryPoints(hunt, room, pool.length * brood, (out, i) =>
      writeChild(pool[i % pool.length]!.x, radius, room, rng, out),
    )
    parents = nearest([...parents, ...children])
  }
}

const brood = 48
const mostParents = 8
/** In widths of the box. */
const radii = [0.25, 0.1, 0.04, 0.015, 0.005, 0.0015]

interface Tried {
  readonly x: Float32Array
  readonly margin: number
}

type Write = (out: Float32Array, i: number) => void

function hypercube({ box, free }: Room, count: number, rng: Rng): Write {
  const columns = free.map(() => shuffle(range(count), rng))
  return (out, i) => {
    out.set(box.lower)
    free.forEach((input, k) => {
      const share = (columns[k]![i]! + rng.uniform()) / count
      out[input] = between(box.lower[input]!, box.upper[input]!, share)
    })
  }
}

const scatter =
  ({ box }: Room, rng: Rng): Write =>
  (out, i) =>
    writeStart(i % 2 === 0 ? 'corner' : 'uniform', box, rng, out)

/** Numbers that the points of one call may hold. */
const mostNumbers = 2 ** 21

/** Evaluates `n` points and hands them to the hunt. @returns the nearest misses */
async function tryPoints(hunt: Hunt, room: Room, n: number, write: Write): Promise<Tried[]> {
  const { inputs } = hunt.network
  const most = Math.max(1, Math.min(4096, Math.floor(mostNumbers / inputs)))
  let tried: Tried[] = []
  for (let from = 0; from < n && !hunt.isDone; from += most) {
    const rows = Math.min(most, n - from)
    const x = new Float32Array(rows * inputs)
    const rowOf = (row: number): Float32Array => x.subarray(row * inputs, (row + 1) * inputs)
    for (let row = 0; row < rows; row++) write(rowOf(row), from + row)
    const margins = await hunt.look(room, x, await hunt.network.forward(x, rows), rows)
    const points = Array.from(margins, (margin, row) => ({ x: rowOf(row), margin }))
    tried = nearest([...tried, ...points]).map((one) => ({ ...one, x: one.x.slice() }))
  }
  return tried
}

/** The nearest misses of all rounds. */
const kept = (hunt: Hunt, room: Room): Tried[] =>
  hunt
    .ranked(room.regions)
    .slice(0, mostParents / 2)
    .flatMap((region) => {
      const x = hunt.bestPoint(region)
      return x ? [{ x, margin: hunt.bestMargin(region) }] : []
    })

const nearest = (tried: readonly Tried[]): Tried[] =>
  tried.toSorted((a, b) => a.margin - b.margin).slice(0, mostParents)

/** Near its parent in all free inputs, or far from it in one: at a bound, or halfway there. */
function writeChild(
  parent: Float32Array,
  radius: number,
  { box, free }: Pick<Room, 'box' | 'free'>,
  rng: Rng,
  out: Float32Array,
): void {
  out.set(parent)
  if (free.length === 0) return
  if (rng.uniform() < 0.25) {
    const input = free[rng.below(free.length)]!
    const bound = rng.uniform() < 0.5 ? box.lower[input]! : box.upper[input]!
    out[input] = within(box, input, rng.uniform() < 0.5 ? bound : (parent[input]! + bound) / 2)
    return
  }
  const share = rng.uniform()
  for (const input of free) {
    if (rng.uniform() < share && free.length > 1) continue
    const width = box.upper[input]! - box.lower[input]!
    out[input] = within(box, input, parent[input]! + (2 * rng.uniform() - 1) * radius * width)
  }
}

const within = ({ lower, upper }: Box, input: number, value: number): number =>
  clip(Math.fround(value), lower[input]!, upper[input]!)
