import { createRng } from '../../util/rng.js'
import type { Check } from '../check.js'
import { dot, median, norm, rivalOf, row, short } from '../measure.js'

/** Directions are tried until one of them agrees. */
const [samples, directions] = [24, 8]
/** Fractions of the range. A long step crosses kinks, a short one drowns in rounding: a right gradient fits one of them. */
const steps = [1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5]
/** Across the gradient, even one of the wrong length is right. Its Euclidean norm is the slope of an average direction. */
const leastSlope = 0.5
/** So short a step that what it changes is rounding. */
const tiny = 2e-7
/** Near many kinks a right gradient may agree in none of the directions; a wrong one hardly ever does. */
const limits = { error: 1e-2, share: 0.8, least: 8 }
/** Rounding of a float32 logit, relative to the greatest one: at least. */
const rounding = 4e-7

/**
 * P9. The compiled gradient of z_rival − z_label against its central differences along random directions of ±1, the rival
 * being held: that loss has no kink of its own. A step says something only where rounding, measured by a step too short for
 * anything else, cannot make up the limit. Layers with a surrogate gradient are off by design, and P8's.
 * Source: Carlini et al. 2019, arXiv:1902.06705, on checking gradients numerically.
 */
export const gradientCheck: Check = {
  signal: 'P9',
  needs: ['gradient', 'determinism', 'right'],
  async run(bench) {
    if ((await bench.approximations()).length > 0) return null
    const { size, classes } = bench
    const { n: all, x, labels, margin } = await bench.cleanGradients()
    const width = bench.bounds[1] - bench.bounds[0]
    const best = new Float64Array(Math.min(samples, all)).fill(Infinity)
    for (let d = 0; d < directions; d++) {
      const open = Array.from(best.keys()).filter((i) => !(best[i]! < limits.error))
      if (open.length === 0) break
      const rng = createRng(bench.job.seed, 'direction', d)
      const v = Float32Array.from({ length: size }, () => (rng.uniform() < 0.5 ? -1 : 1))
      const rises = async (h: number): Promise<{ rise: number; greatest: number }[]> => {
        const moved = async (by: number): Promise<Float32Array> => {
          const points = new Float32Array(open.length * size)
          open.forEach((id, i) => {
            for (let p = 0; p < size; p++) points[i * size + p] = x[id * size + p]! + by * v[p]!
          })
          return bench.logits(points, open.length)
        }
        const [after, before] = [await moved(h), await moved(-h)]
        return open.map((id, i) => {
          const own = labels[id]!
          const rival = rivalOf(row(margin.logits, id, classes), own)
          const [z1, z0] = [row(after, i, classes), row(before, i, classes)]
          const greatest = Math.max(...z1.map(Math.abs), ...z0.map(Math.abs))
          return { rise: z1[rival]! - z1[own]! - (z0[rival]! - z0[own]!), greatest }
        })
      }
      const noise = await rises(tiny * width)
      for (const step of steps) {
        const h = step * width
        for (const [i, { rise, greatest }] of (await rises(h)).entries()) {
          const id = open[i]!
          const gradient = row(margin.gradient, id, size)
          const numeric = rise / (2 * h)
          const exact = dot(gradient, v)
          const scale = Math.max(Math.abs(exact), Math.abs(numeric))
          if (!(scale > leastSlope * norm(gradient))) continue
          const lost = Math.max(Math.abs(noise[i]!.rise), rounding * greatest)
          if (!(lost < h * limits.error * scale)) continue
          best[id] = Math.min(best[id]!, Math.abs(exact - numeric) / scale)
        }
      }
    }
    // Where it is flat, or rounding hides the slope, nothing is known.
    const known = Array.from(best).filter(Number.isFinite)
    const agreeing = known.filter((error) => error < limits.error).length
    if (
      known.length < Math.min(limits.least, best.length) ||
      agreeing >= limits.share * known.length
    )
      return null
    return {
      severity: 'error',
      text: `the gradient agrees with central differences at ${agreeing} of ${known.length} samples (limit 80 % within 1 % in one of ${directions} directions), median error of the best direction ${short(median(known))}`,
    }
  },
}
