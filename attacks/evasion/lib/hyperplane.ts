import { kernels } from '../../../src/plugin.js'
import { signOf } from './vector.js'

/** Room for intermediate values, (sample): nothing is allocated per projection. */
export interface PlaneScratch {
  /** The values that are looked at, and of each in this order |wᵢ| and how far it can move. */
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
  /** The direction along w. */
  readonly towards: number
  readonly bounds: readonly [number, number]
  readonly scratch: PlaneScratch
}

const roomOf = (x: number, way: number, [low, high]: readonly [number, number]): number =>
  way > 0 ? high - x : x - low

/**
 * The least δ in L1 with w·δ = need and x + δ within the bounds; where no such δ exists, the one that comes nearest to it:
 * the values of the largest |wᵢ| move as far as they can.
 *
 * Greedy, by falling weight, without sorting: first the values over a cut that is lowered until they are enough, then parts
 * of their order are split by a pivot, and one of them is looked at.
 * @param out - (sample) becomes δ
 * @returns ‖δ‖₁
 * Source: Croce & Hein 2020, arXiv:1907.02044, section 2.2 and problem (5) of its appendix.
 */
export function stepToPlane(
  { x, w, bounds, scratch }: Omit<Plane, 'towards'>,
  need: number,
  out: Float64Array,
): number {
  const [towards, wanted] = [need < 0 ? -1 : 1, Math.abs(need)]
  const plane = { x, w, towards, bounds, scratch }
  const { order, weight, room } = scratch
  out.fill(0)
  const most = kernels.greatest(w)
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
