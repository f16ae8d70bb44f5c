/** Pixels of kernels: how many the source and the target have, and which of the source goes where in the target. */
export interface Taps {
  readonly from: number
  readonly to: number
  /** [place in the target, place in the source] */
  readonly pairs: readonly (readonly [number, number])[]
}

/** Rows and columns of a tile: what is read and written of it stays in the first cache. */
const tile = 8

/**
 * Kernels (M, C, taps.from) written as (C, M, taps.to): output and input channels change places, as they do between
 * a convolution and its transpose.
 *
 * @param source - where kernel (0, 0) begins, in elements; the same for `target`
 */
export function swapChannels(
  from: Float32Array,
  to: Float32Array,
  [M, C]: readonly [number, number],
  { from: F, to: T, pairs }: Taps,
  source = 0,
  target = 0,
): void {
  // Plain numbers and plain loops: these are all the weights of a network.
  const count = pairs.length
  const places = Int32Array.from(pairs, ([place]) => target + place)
  const sources = Int32Array.from(pairs, ([, place]) => source + place)
  const row = C * F
  for (let m0 = 0; m0 < M; m0 += tile)
    for (let c0 = 0; c0 < C; c0 += tile) {
      const m1 = Math.min(M, m0 + tile)
      const c1 = Math.min(C, c0 + tile)
      for (let c = c0; c < c1; c++)
        for (let k = 0; k < count; k++) {
          let a = sources[k]! + (m0 * C + c) * F
          let b = places[k]! + (c * M + m0) * T
          let m = m0
          // Four at a time, none of which waits for another.
          for (; m + 4 <= m1; m += 4, a += 4 * row, b += 4 * T) {
            to[b] = from[a]!
            to[b + T] = from[a + row]!
            to[b + 2 * T] = from[a + 2 * row]!
            to[b + 3 * T] = from[a + 3 * row]!
          }
          for (; m < m1; m++, a += row, b += T) to[b] = from[a]!
        }
    }
}
