import type { Norm } from '../../../src/plugin.js'
import { greatest, lengthL1, squareOf } from './length.js'
import { signOf } from './vector.js'

/** Where points may be, and how a δ is measured. */
export interface Region {
  readonly norm: Norm
  readonly bounds: readonly [number, number]
}

/** Room for intermediate values, (sample): nothing is allocated per projection. */
export interface PlaneScratch {
  /** The values that may have to stop at a bound, and of each in this order |wᵢ| and how far it can move. */
  readonly order: Int32Array
  readonly weight: Float64Array
  readonly room: Float64Array
}

export const planeScratch = (size: number): PlaneScratch => ({
  order: new Int32Array(size),
  weight: new Float64Array(size),
  room: new Float64Array(size),
})

/** What a projection reads. */
interface Plane {
  readonly x: Float32Array
  readonly w: Float32Array
  /** w·δ, and the direction along w in which that is. */
  readonly wanted: number
  readonly towards: number
  readonly bounds: readonly [number, number]
  readonly scratch: PlaneScratch
}

/**
 * The least δ with w·δ = need and x + δ within the bounds; where no such δ exists, the one that comes nearest to it.
 * In L∞ δᵢ = min(t, roomᵢ) and in L2 δᵢ = min(t·|wᵢ|, roomᵢ), along sign wᵢ, for one t of all values; in L1 the values
 * of the largest |wᵢ| move as far as they can.
 *
 * @param out - (sample) becomes δ
 * @returns ‖δ‖
 * Source: Croce & Hein 2020, arXiv:1907.02044, section 2.2 and the problems (3) to (5) of its appendix.
 */
export function stepToPlane(
  { norm, bounds }: Region,
  x: Float32Array,
  w: Float32Array,
  need: number,
  out: Float64Array,
  scratch: PlaneScratch,
): number {
  const towards = need < 0 ? -1 : 1
  const plane = { x, w, wanted: Math.abs(need), towards, bounds, scratch }
  return norm === 'l1' ? fillLargest(plane, out) : moveTogether(plane, norm === 'linf', out)
}

/**
 * t of the gain g(t) = Σ |wᵢ|·min(t·aᵢ, roomᵢ) = wanted, a = 1 or |w|. g is concave and piecewise linear, so Newton's
 * method from t = 0 never passes the root, and ends on its piece. A round looks only at the values that can be at their
 * bound before t is `limit`, few of a picture; the slope of the others is one sum.
 */
function moveTogether(plane: Plane, isLinf: boolean, out: Float64Array): number {
  const { x, w, wanted, towards, bounds, scratch } = plane
  const { order, weight, room } = scratch
  const slope = isLinf ? lengthL1(w) : squareOf(w)
  if (!(slope > 0)) {
    out.fill(0)
    return 0
  }
  let t = wanted / slope
  let limit = 2 * t
  let { count, rest } = collect(plane, isLinf, limit)
  let [stopped, rise, squares, most] = [-1, 0, 0, 0]
  for (;;) {
    let [gain, now] = [0, 0]
    ;[rise, squares, most] = [rest, 0, 0]
    for (let j = 0; j < count; j++) {
      const size = weight[j]!
      const pace = isLinf ? 1 : size
      const far = room[j]!
      if (t * pace < far) rise += size * pace
      else {
        now++
        gain += size * far
        if (size > 0) {
          squares += far * far
          if (far > most) most = far
        }
      }
    }
    // Nobody else has stopped: t is on its piece. Or everybody has, and the box ends before the plane.
    if (now === stopped || !(rise > 0)) break
    stopped = now
    t = Math.max(t, (wanted - gain) / rise)
    if (t <= limit) continue
    limit = 2 * t
    ;({ count, rest } = collect(plane, isLinf, limit))
    stopped = -1
  }
  const pace = towards * t
  if (isLinf) for (let i = 0; i < w.length; i++) out[i] = pace * signOf(w[i]!)
  else for (let i = 0; i < w.length; i++) out[i] = pace * w[i]!
  for (let j = 0; j < count; j++)
    if (!(t * (isLinf ? 1 : weight[j]!) < room[j]!)) {
      const i = order[j]!
      out[i] = towards * signOf(w[i]!) * roomOf(x[i]!, towards * w[i]!, bounds)
    }
  if (isLinf) return rise > 0 ? t : most
  return Math.sqrt(squares + t * t * rise)
}

/** Lists the values that stop before t is `limit`. @returns how many, and the slope of the gain of all others */
function collect(
  { x, w, towards, bounds, scratch }: Plane,
  isLinf: boolean,
  limit: number,
): { count: number; rest: number } {
  const { order, weight, room } = scratch
  const [low, high] = bounds
  const [half, middle] = [0.5 * (high - low), 0.5 * (high + low)]
  let [count, rest] = [0, 0]
  for (let i = 0; i < x.length; i++) {
    const value = w[i]!
    const size = Math.abs(value)
    // To the bound that the move is towards, without a branch.
    const far = half + towards * signOf(value) * (middle - x[i]!)
    const pace = isLinf ? 1 : size
    if (limit * pace < far) rest += size * pace
    else {
      order[count] = i
      weight[count] = size
      room[count++] = far
    }
  }
  return { count, rest }
}

const roomOf = (x: number, way: number, [low, high]: readonly [number, number]): number =>
  way > 0 ? high - x : x - low

/**
 * Greedy, by falling weight, without sorting: first the values over a cut that is lowered until they are enough, then parts
 * of their order are split by a pivot, and one of them is looked at.
 * @returns ‖δ‖₁
 */
function fillLargest(plane: Plane, out: Float64Array): number {
  const { w, wanted, towards, scratch } = plane
  const { order, weight, room } = scratch
  out.fill(0)
  const most = greatest(w)
  if (!(most > 0)) return 0
  let high = 0
  for (const share of [1 / 2, 1 / 8, 1 / 64, 0]) {
    const over = collectOver(plane, share * most)
    high = over.count
    if (over.gain >= wanted) break
  }
  let total = 0
  const move = (k: number, far: number): void => {
    const i = order[k]!
    total += far
    out[i] = towards * signOf(w[i]!) * far
  }
  const swap = (a: number, b: number): void => {
    ;[order[a], order[b]] = [order[b]!, order[a]!]
    ;[weight[a], weight[b]] = [weight[b]!, weight[a]!]
    ;[room[a], room[b]] = [room[b]!, room[a]!]
  }
  let [low, missing] = [0, wanted]
  while (low < high && missing > 0) {
    const pivot = weight[(low + high) >> 1]!
    // [low, above): larger than the pivot; [above, i): equal; [below, high): smaller.
    let [above, i, below, gain] = [low, low, high, 0]
    while (i < below) {
      const size = weight[i]!
      if (size > pivot) {
        gain += size * room[i]!
        swap(i++, above++)
      } else if (size < pivot) swap(i, --below)
      else i++
    }
    if (gain >= missing) {
      high = above
      continue
    }
    for (let k = low; k < above; k++) move(k, room[k]!)
    missing -= gain
    for (let k = above; k < below && missing > 0; k++) {
      const far = Math.min(room[k]!, missing / pivot)
      move(k, far)
      missing -= pivot * far
    }
    low = below
  }
  return total
}

/** Lists the values of |wᵢ| > cut. @returns how many, and what they can gain */
function collectOver(
  { x, w, towards, bounds, scratch }: Plane,
  cut: number,
): { count: number; gain: number } {
  const { order, weight, room } = scratch
  let [count, gain] = [0, 0]
  for (let i = 0; i < w.length; i++) {
    const size = Math.abs(w[i]!)
    if (!(size > cut)) continue
    order[count] = i
    weight[count] = size
    room[count] = roomOf(x[i]!, towards * w[i]!, bounds)
    gain += size * room[count++]!
  }
  return { count, gain }
}
