import { kernels } from '../../../src/plugin.js'
import { kthLargest } from './vector.js'

/**
 * Projection of a perturbation onto the ball of L1 around 0, in place: each value nearer to 0 by θ, where Σ max(|δ| − θ, 0) = ε. θ grows towards its value as values drop out of the sum;
 * a few rounds do, and none of them sorts.
 * Source: Michelot 1986, "A finite algorithm for finding the projection of a point onto the canonical simplex".
 */
export function shrinkL1(delta: Float32Array, epsilon: number): void {
  const length = kernels.lengthL1(delta)
  if (!(length > epsilon)) return
  let theta = (length - epsilon) / delta.length
  for (let count = delta.length; ;) {
    let [sum, left] = [0, 0]
    for (let i = 0; i < delta.length; i++) {
      const size = Math.abs(delta[i]!)
      if (size <= theta) continue
      sum += size
      left++
    }
    if (left === count || left === 0) break
    count = left
    theta = (sum - epsilon) / count
  }
  softShrink(delta, theta)
}

/** sign(δ) · max(|δ| − θ, 0), in place. */
function softShrink(delta: Float32Array, theta: number): void {
  for (let i = 0; i < delta.length; i++) {
    const value = delta[i]!
    delta[i] = value > theta ? value - theta : value < -theta ? value + theta : 0
  }
}

let gains = new Float32Array(0)
let order = new Float32Array(0)

/**
 * Projection onto the perturbations of at most `count` values within the bounds, in place. Keeping value i, clipped to c,
 * rather than 0 brings the point nearer by δ² − (δ − c)²: those with the greatest such gain stay (of equal ones the first).
 * Source: Croce & Hein 2019, arXiv:1909.05040, section 3.2.
 */
export function keepTop(
  delta: Float32Array,
  count: number,
  clean: Float32Array,
  [low, high]: readonly [number, number],
): void {
  const size = delta.length
  if (gains.length !== size) [gains, order] = [new Float32Array(size), new Float32Array(size)]
  for (let i = 0; i < size; i++) {
    const d = delta[i]!
    const clipped = Math.min(Math.max(d, low - clean[i]!), high - clean[i]!)
    delta[i] = clipped
    gains[i] = clipped * (2 * d - clipped)
  }
  if (count >= size) return
  order.set(gains)
  const least = count > 0 ? kthLargest(order, count) : Infinity
  let room = count
  for (let i = 0; i < size; i++) if (gains[i]! > least) room--
  for (let i = 0; i < size; i++) {
    if (gains[i]! > least) continue
    if (gains[i]! < least || room <= 0) delta[i] = 0
    else room--
  }
}
