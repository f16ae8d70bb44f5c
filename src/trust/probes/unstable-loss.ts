import { randomInBall } from '../../threat/ball.js'
import { createRng } from '../../util/rng.js'
import type { Check } from '../check.js'
import { lead, row, short } from '../measure.js'

const [samples, directions] = [16, 20]
const limit = 0.5

/**
 * E14. How much random points of the ball change the loss, relative to the loss: a smooth surface changes little where no
 * gradient points.
 * Source: Pintor et al. 2022, arXiv:2106.09947, indicator I2; the limit is our own.
 */
export const unstableLoss: Check = {
  signal: 'E14',
  needs: ['determinism', 'right', 'ball'],
  async run(bench) {
    const { size, classes, job } = bench
    const [low, high] = bench.bounds
    const at = await bench.right(samples)
    const threat = bench.threat()!
    const before = await bench.logits(at.x, at.n)
    let total = 0
    for (let d = 0; d < directions; d++) {
      const points = at.x.slice()
      for (let i = 0; i < at.n; i++) {
        const point = row(points, i, size)
        const rng = createRng(job.seed, 'surface', at.ids[i]!, d)
        randomInBall(threat, row(at.x, i, size), rng, point)
        for (let p = 0; p < size; p++) point[p] = Math.min(Math.max(point[p]!, low), high)
      }
      const after = await bench.logits(points, at.n)
      for (let i = 0; i < at.n; i++) {
        const label = at.labels[i]!
        const [a, b] = [lead(row(before, i, classes), label), lead(row(after, i, classes), label)]
        const change = Math.abs(b - a) / Math.abs(a)
        total += change < 1 ? change : 1
      }
    }
    const mean = total / (at.n * directions)
    if (mean <= limit) return null
    return {
      severity: 'warning',
      text: `random points of the ball change the margin of ${at.n} samples by ${short(mean)} of itself on average (limit ${limit}): the loss surface is not smooth`,
    }
  },
}
