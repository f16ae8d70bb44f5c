/** Pixels of kernels: how many the source and the target have, and which of the source goes where in the target. */
export interface Taps {
  readonly from: number
  readonly to: number
  /** [place in the target, place in the source] */
  readonly pairs: readonly (readonly [number, number])[]
}

/** Rows and columns of a tile: what is read and written of it stays in the first cache. */
const tile = 16

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
  taps: Taps,
  source = 0,
  target = 0,
): void {
  const { from: F, to: T, pairs } = taps
  // Plain numbers and plain loops: these are all the weights of a network.
  const [places, sources] = [0, 1].map((k) => Int32Array.from(pairs, (pair) => pair[k]!)) as [
    Int32Array,
    Int32Array,
  ]
  for (let m0 = 0; m0 < M; m0 += tile)
    for (let c0 = 0; c0 < C; c0 += tile) {
      const [m1, c1] = [Math.min(M, m0 + tile), Math.min(C, c0 + tile)]
      for (let c = c0; c < c1; c++) {
        let a = source + (m0 * C + c) * F
        let b = target + (c * M + m0) * T
        if (places.length === 1) {
          // A 1×1 kernel, or one tap of a larger one: half the weights of a ResNet.
          a += sources[0]!
          b += places[0]!
          for (let m = m0; m < m1; m++, a += C * F, b += T) to[b] = from[a]!
          continue
        }
        for (let m = m0; m < m1; m++, a += C * F, b += T)
          for (let k = 0; k < places.length; k++) to[b + places[k]!] = from[a + sources[k]!]!
      }
    }
}
