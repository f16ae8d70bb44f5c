import type { Norm } from '../../../src/plugin.js'
import { lengthL1, lengthL2 } from './length.js'

/** Euclidean projection of a perturbation onto the ball of radius `epsilon` around 0, in place. */
export function shrinkTo(norm: Norm, delta: Float32Array, epsilon: number): void {
  if (norm === 'l0') keepTop(delta, Math.floor(epsilon))
  else if (norm === 'l1') shrinkL1(delta, epsilon)
  else if (norm === 'l2') {
    const length = lengthL2(delta)
    if (length > epsilon) for (let i = 0; i < delta.length; i++) delta[i]! *= epsilon / length
  } else
    for (let i = 0; i < delta.length; i++)
      delta[i] = Math.min(Math.max(delta[i]!, -epsilon), epsilon)
}

/**
 * Each value nearer to 0 by θ, where Σ max(|δ| − θ, 0) = ε. θ grows towards its value as values drop out of the sum;
 * a few rounds do, and none of them sorts.
 * Source: Michelot 1986, "A finite algorithm for finding the projection of a point onto the canonical simplex".
 */
function shrinkL1(delta: Float32Array, epsilon: number): void {
  const length = lengthL1(delta)
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

let sizes = new Float32Array(0)

/** The `count` values farthest from 0 stay (of equal ones the first), the others become 0. In place. */
function keepTop(delta: Float32Array, count: number): void {
  if (count >= delta.length) return
  if (!(count > 0)) {
    delta.fill(0)
    return
  }
  if (sizes.length !== delta.length) sizes = new Float32Array(delta.length)
  for (let i = 0; i < delta.length; i++) sizes[i] = Math.abs(delta[i]!)
  const least = kthSmallest(sizes, delta.length - count)
  let room = count
  for (let i = 0; i < delta.length; i++) if (Math.abs(delta[i]!) > least) room--
  for (let i = 0; i < delta.length; i++) {
    const size = Math.abs(delta[i]!)
    if (size > least) continue
    if (size < least || room === 0) delta[i] = 0
    else room--
  }
}

/** The value that would be at index `k` if the values were sorted; they are left partly so. Source: Hoare 1961, "Find". */
function kthSmallest(values: Float32Array, k: number): number {
  let [first, last] = [0, values.length - 1]
  while (first < last) {
    const pivot = values[(first + last) >> 1]!
    let [i, j] = [first, last]
    while (i <= j) {
      while (values[i]! < pivot) i++
      while (values[j]! > pivot) j--
      if (i > j) break
      const value = values[i]!
      values[i++] = values[j]!
      values[j--] = value
    }
    if (k <= j) last = j
    else if (k >= i) first = i
    else break
  }
  return values[k]!
}
