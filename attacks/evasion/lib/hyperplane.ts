import type { Norm } from '../../../src/plugin.js'

/** Where points may be, and how a δ is measured. */
export interface Region {
  readonly norm: Norm
  readonly bounds: readonly [number, number]
}

/** Room for intermediate values, (sample): nothing is allocated per projection. */
export interface PlaneScratch {
  /** |wᵢ|, and how far a value can move in the helpful direction. */
  readonly weight: Float64Array
  readonly room: Float64Array
  readonly order: Int32Array
}

export const planeScratch = (size: number): PlaneScratch => ({
  weight: new Float64Array(size),
  room: new Float64Array(size),
  order: new Int32Array(size),
})

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
  const { weight, room } = scratch
  const [low, high] = bounds
  const isLinf = norm === 'linf'
  const side = need < 0 ? -1 : 1
  let [reachable, slope] = [0, 0]
  for (let i = 0; i < x.length; i++) {
    const gain = side * w[i]!
    const size = gain > 0 ? gain : -gain
    const way = gain > 0 ? high - x[i]! : x[i]! - low
    weight[i] = size
    room[i] = way > 0 ? way : 0
    reachable += size * room[i]!
    slope += isLinf ? size : size * size
  }
  const wanted = Math.min(side * need, reachable)
  const t = norm === 'l1' ? 0 : paceOf(isLinf, wanted, slope, scratch)
  if (norm === 'l1') fillLargest(wanted, out, scratch)
  let [sum, squares, most] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    let size = out[i]!
    if (norm !== 'l1') {
      // Where the weight is 0 nothing is gained by a move.
      size = isLinf ? (weight[i] === 0 ? 0 : t) : t * weight[i]!
      if (size > room[i]!) size = room[i]!
    }
    sum += size
    squares += size * size
    if (size > most) most = size
    out[i] = side * w[i]! > 0 ? size : -size
  }
  return isLinf ? most : norm === 'l2' ? Math.sqrt(squares) : sum
}

/**
 * t of the gain g(t) = Σ |wᵢ|·min(t·aᵢ, roomᵢ) = wanted, a = 1 or |w|. g is concave and piecewise linear, so Newton's
 * method from t = 0 never passes the root, and ends on its piece.
 * @param slope - g′(0)
 */
function paceOf(
  isLinf: boolean,
  wanted: number,
  slope: number,
  { weight, room }: PlaneScratch,
): number {
  if (!(slope > 0)) return 0
  let t = wanted / slope
  for (let round = 0; round < 200; round++) {
    let [gain, rise] = [0, 0]
    for (let i = 0; i < weight.length; i++) {
      const size = weight[i]!
      const pace = isLinf ? 1 : size
      const way = t * pace
      if (way < room[i]!) {
        gain += size * way
        rise += size * pace
      } else gain += size * room[i]!
    }
    const missing = wanted - gain
    if (!(rise > 0) || !(missing > 1e-9 * wanted)) break
    t += missing / rise
  }
  return t
}

/** Greedy, by falling weight, without sorting: parts of the order are split by a pivot, and one of them is looked at. */
function fillLargest(
  wanted: number,
  out: Float64Array,
  { weight, room, order }: PlaneScratch,
): void {
  out.fill(0)
  for (let i = 0; i < order.length; i++) order[i] = i
  let [low, high, missing] = [0, order.length, wanted]
  while (low < high && missing > 0) {
    const pivot = weight[order[(low + high) >> 1]!]!
    if (pivot === 0 && high - low === 1) return
    // [low, above): larger than the pivot; [above, i): equal; [below, high): smaller.
    let [above, i, below, gain] = [low, low, high, 0]
    while (i < below) {
      const k = order[i]!
      const size = weight[k]!
      if (size > pivot) {
        gain += size * room[k]!
        order[i++] = order[above]!
        order[above++] = k
      } else if (size < pivot) {
        order[i] = order[--below]!
        order[below] = k
      } else i++
    }
    if (gain >= missing) {
      high = above
      continue
    }
    for (let j = low; j < above; j++) out[order[j]!] = room[order[j]!]!
    missing -= gain
    if (pivot === 0) return
    for (let j = above; j < below && missing > 0; j++) {
      const k = order[j]!
      out[k] = Math.min(room[k]!, missing / pivot)
      missing -= pivot * out[k]!
    }
    low = below
  }
}
