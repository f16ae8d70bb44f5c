import type { FusedNorm } from './threat-model.js'

/**
 * Moves `point` by `size` along the step that ascends fastest in the norm; in place, not projected. The same as the step
 * graph's own, for gradients that come out of several passes.
 * @param direction - (sample) only its direction counts
 * Source: Madry et al. 2018, arXiv:1706.06083; L1: Tramèr & Boneh 2019, arXiv:1904.13000, section 4.2.
 */
export function ascend(
  norm: FusedNorm,
  point: Float32Array,
  direction: Float32Array,
  {
    size,
    bounds,
    scale,
  }: {
    readonly size: number
    readonly bounds: readonly [number, number]
    /** L∞ only: factors on the size, one a value. */
    readonly scale?: Float32Array
  },
): void {
  const n = point.length
  if (norm === 'linf') {
    for (let i = 0; i < n; i++) point[i]! += size * (scale?.[i] ?? 1) * Math.sign(direction[i]!)
  } else if (norm === 'l2') {
    const greatest = direction.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    if (!(greatest > 0)) return
    let square = 0
    for (const value of direction) square += (value / greatest) ** 2
    const scale = size / Math.sqrt(square) / greatest
    for (let i = 0; i < n; i++) point[i]! += scale * direction[i]!
  } else {
    const [low, high] = bounds
    const sizes = direction.map((value, i) => {
      // A value at its bound that would move outward is spent already.
      const isSpent = value > 0 ? point[i]! >= high : point[i]! <= low
      return isSpent ? 0 : Math.abs(value)
    })
    const cut = Math.max(sizes.toSorted()[n - Math.ceil(n / 100)]!, 1e-37)
    const chosen = [...sizes.keys()].filter((i) => sizes[i]! >= cut)
    for (const i of chosen) point[i]! += (size / chosen.length) * Math.sign(direction[i]!)
  }
}
