/**
 * `value` between `least` and `most`; of float32 values exactly, once the result is a float32 again. Without a branch:
 * where values go in a step of an attack is anyone's guess, and a wrong guess of the processor costs ten additions.
 */
export function clampTo(value: number, least: number, most: number): number {
  return 0.5 * (least + most + Math.abs(value - least) - Math.abs(value - most))
}

/** −1, 0 or 1, of a float32; without a branch, likewise. */
export function signOf(value: number): number {
  return value / (Math.abs(value) + 1e-300)
}

/** The k-th largest of `values`, k from 1 on; `values` are reordered. Hoare's selection, expected linear time. */
export function kthLargest(values: Float32Array | Float64Array, k: number): number {
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
