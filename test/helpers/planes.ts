import { planeScratch, stepToPlane } from '../../attacks/evasion/lib/hyperplane.js'
import { distanceL2, distanceLinf, stepToBorder } from '../../src/util/simd/kernels.js'

/** δ of least norm with w·δ = need and x + δ within the bounds, as FAB finds it; and that norm. */
export function leastStep(
  norm: 'linf' | 'l2' | 'l1',
  x: Float32Array,
  w: Float32Array,
  need: number,
  bounds: readonly [number, number],
): { out: Float64Array; length: number } {
  if (norm === 'l1') {
    const out = new Float64Array(x.length)
    const length = stepToPlane({ x, w, bounds, scratch: planeScratch(x.length) }, need, out)
    return { out, length }
  }
  const point = x.slice()
  const border = { clean: x, w, gap: -need, isLinf: norm === 'linf', bounds }
  stepToBorder(point, border, { alphaMax: 0, overshoot: 1 })
  const length = norm === 'linf' ? distanceLinf(point, x) : distanceL2(point, x)
  return { out: Float64Array.from(point, (value, i) => value - x[i]!), length }
}
