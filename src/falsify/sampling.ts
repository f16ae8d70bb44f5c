import type { Box } from '../property/box.js'
import type { Rng } from '../util/rng.js'
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
 * Draws points all over a box of few inputs, then around the nearest misses, closer and closer.
 * @param count - points of the first draw: a Latin hypercube (McKay et al. 1979)
 */
export async function sampleRoom(hunt: Hunt, room: Room, count: number, rng: Rng): Promise<void> {
  const { box, free } = room
  const columns = free.map(() => shuffled(count, rng))
  const first = await tryPoints(hunt, room, count, (out, i) => {
    out.set(box.lower)
    free.forEach((input, k) => {
      const share = (columns[k]![i]! + rng.uniform()) / count
      out[input] = between(box.lower[input]!, box.upper[input]!, share)
    })
  })
  let parents = nearest(hunt, room, [first])
  for (const radius of radii) {
    if (hunt.isDone || parents.length === 0) return
    const children = await tryPoints(hunt, room, parents.length * brood, (out, i) =>
      writeChild(parents[i % parents.length]!.x, radius, room, rng, out),
    )
    parents = nearest(hunt, room, [{ points: parents }, children])
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

/** Evaluates `n` points and hands them to the hunt. */
async function tryPoints(
  hunt: Hunt,
  room: Room,
  n: number,
  write: (out: Float32Array, i: number) => void,
): Promise<{ points: Tried[] }> {
  const { inputs } = hunt.network
  const x = new Float32Array(n * inputs)
  const rowOf = (i: number): Float32Array => x.subarray(i * inputs, (i + 1) * inputs)
  for (let i = 0; i < n; i++) write(rowOf(i), i)
  const margins = await hunt.look(room, x, await hunt.network.forward(x, n), n)
  return { points: Array.from(margins, (margin, i) => ({ x: rowOf(i), margin })) }
}

/** The nearest misses, those of earlier rounds included. */
function nearest(hunt: Hunt, room: Room, tried: readonly { points: readonly Tried[] }[]): Tried[] {
  const kept = hunt
    .ranked(room.regions)
    .slice(0, mostParents / 2)
    .flatMap((region): Tried[] => {
      const x = hunt.bestPoint(region)
      return x ? [{ x, margin: hunt.bestMargin(region) }] : []
    })
  const all = tried.flatMap(({ points }) => points).sort((a, b) => a.margin - b.margin)
  return [...kept, ...all.slice(0, mostParents)]
}

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

/** 0 … n − 1 in random order (Fisher–Yates). */
function shuffled(n: number, rng: Rng): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}
