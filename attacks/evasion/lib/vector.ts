import type { Norm } from '../../../src/plugin.js'

/** ‖a − b‖₂ in float64; the length of `a` without `b`. */
export function euclidean(a: Float32Array | Float64Array, b?: Float32Array): number {
  let total = 0
  if (!b) for (let i = 0; i < a.length; i++) total += a[i]! * a[i]!
  else
    for (let i = 0; i < a.length; i++) {
      const d = a[i]! - b[i]!
      total += d * d
    }
  return Math.sqrt(total)
}

/** ‖w‖ in the norm dual to the threat model's: L1 for L∞, L2 for L2, L∞ for L1. */
export function dualLength(norm: Norm, w: Float32Array): number {
  if (norm === 'l2') return euclidean(w)
  let [sum, most] = [0, 0]
  for (let i = 0; i < w.length; i++) {
    const size = Math.abs(w[i]!)
    sum += size
    if (size > most) most = size
  }
  return norm === 'linf' ? sum : most
}

/** The k-th largest of `values`, k from 1 on; `values` are reordered. Hoare's selection, expected linear time. */
export function kthLargest(values: Float64Array, k: number): number {
  let [low, high] = [0, values.length - 1]
  while (low < high) {
    const pivot = values[(low + high) >> 1]!
    let [i, j] = [low, high]
    while (i <= j) {
      while (values[i]! > pivot) i++
      while (values[j]! < pivot) j--
      if (i > j) break
      const kept = values[i]!
      values[i++] = values[j]!
      values[j--] = kept
    }
    if (k - 1 <= j) high = j
    else if (k - 1 >= i) low = i
    else break
  }
  return values[k - 1]!
}
