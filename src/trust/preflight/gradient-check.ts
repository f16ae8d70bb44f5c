import { createRng } from '../../util/rng.js'
import type { Check } from '../check.js'
import { dot, norm, percent, rivalOf, row, short } from '../measure.js'

const [samples, directions] = [16, 4]
/** Fractions of the range. A long step crosses kinks, a short one drowns in rounding: a right gradient fits one of them. */
const steps = [3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4]
const limits = { error: 1e-2, share: 0.95 }
/** Rounding of a float32 logit after some layers, relative to the greatest logit. */
const rounding = 4e-7

/**
 * P9. The compiled gradient of z_rival − z_label against its central differences along random directions of ±1, the rival
 * being held: that loss has no kink of its own. An error is relative to the gradient's Euclidean norm, which is what such a
 * derivative is on average; a step says something only where rounding cannot make up the limit. Layers with a surrogate
 * gradient are off by design, and P8's.
 * Source: Carlini et al. 2019, arXiv:1902.06705, on checking gradients numerically.
 */
export const gradientCheck: Check = {
  signal: 'P9',
  needs: ['gradient', 'determinism', 'right'],
  async run(bench) {
    if ((await bench.approximations()).length > 0) return null
    const { size, classes } = bench
    const { n: all, x, labels, margin } = await bench.cleanGradients()
    const n = Math.min(samples, all)
    const rival = Array.from({ length: n }, (_, i) =>
      rivalOf(row(margin.logits, i, classes), labels[i]!),
    )
    const width = bench.bounds[1] - bench.bounds[0]
    const [errors, counted] = [new Float64Array(n * directions).fill(Infinity), new Set<number>()]
    for (let d = 0; d < directions; d++) {
      const rng = createRng(bench.job.seed, 'direction', d)
      const v = Float32Array.from({ length: size }, () => (rng.uniform() < 0.5 ? -1 : 1))
      for (const step of steps) {
        const h = step * width
        const moved = (by: number): Float32Array =>
          x.subarray(0, n * size).map((value, i) => value + by * v[i % size]!)
        const [up, down] = [moved(h), moved(-h)]
        const [after, before] = [await bench.logits(up, n), await bench.logits(down, n)]
        for (let i = 0; i < n; i++) {
          const gradient = row(margin.gradient, i, size)
          const [z1, z0] = [row(after, i, classes), row(before, i, classes)]
          const rise = z1[rival[i]!]! - z1[labels[i]!]! - (z0[rival[i]!]! - z0[labels[i]!]!)
          const exact = dot(gradient, v)
          const numeric = rise / (2 * h)
          const scale = Math.max(norm(gradient), Math.abs(numeric))
          const greatest = Math.max(...z1.map(Math.abs), ...z0.map(Math.abs))
          const isFlat = scale === 0
          if (isFlat || !((rounding * greatest) / h < limits.error * scale)) continue
          const at = i * directions + d
          counted.add(at)
          errors[at] = Math.min(errors[at]!, Math.abs(exact - numeric) / scale)
        }
      }
    }
    const known = [...counted].map((at) => errors[at]!)
    if (known.length === 0) return null
    const share = known.filter((error) => error < limits.error).length / known.length
    if (share >= limits.share) return null
    const middle = known.toSorted((a, b) => a - b)[known.length >> 1]!
    return {
      severity: 'error',
      text: `the gradient agrees with central differences in ${percent(share)} of ${known.length} directions at ${n} samples (limit 95 % within 1 %), median error ${short(middle)}`,
    }
  },
}
