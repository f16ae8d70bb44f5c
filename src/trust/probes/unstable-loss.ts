import { Constraints } from '../../threat/constraints.js'
import type { ThreatModel } from '../../threat/threat-model.js'
import { createRng } from '../../util/rng.js'
import type { Bench, Samples } from '../bench.js'
import type { Check } from '../check.js'
import { lead, percent, row } from '../measure.js'

const [samples, directions] = [16, 10]
/** The smaller ball's share of epsilon. */
const share = 0.1
/** A smooth surface has a tenth: ReLU networks, plain and robust ones, 0.06 to 0.11; quantized and shattered ones 0.16 to 1. */
const limit = 0.2
/** Of the mean margin: less is rounding. */
const least = 1e-5

/**
 * E14. How much random points change the margin, in the ball and in one of a tenth of its radius: on a
 * smooth surface a tenth of the way is a tenth of the change; a shattered one is as rough from near as from afar.
 * Source: Pintor et al. 2022, arXiv:2106.09947, indicator I2, which takes the one radius and so depends on it.
 */
export const unstableLoss: Check = {
  signal: 'E14',
  needs: ['determinism', 'right', 'ball'],
  async run(bench) {
    const at = await bench.right(samples)
    const far = await changeWithin(bench, at, 1)
    const near = await changeWithin(bench, at, share)
    if (far < least || near <= limit * far) return null
    return {
      severity: 'warning',
      text: `the loss surface is not smooth: random points at ε/10 change the margin of ${at.n} samples by ${percent(near, 2)}, at ε by ${percent(far, 2)}, where a tenth would be expected (limit a fifth)`,
    }
  },
}

/** Mean change of the margin at random points, relative to the mean margin: one sample near the border decides nothing. */
async function changeWithin(bench: Bench, at: Samples, radius: number): Promise<number> {
  const { size, classes, job } = bench
  const [low, high] = bench.bounds
  const whole = numbersOf(bench.threat()!, size)
  const ball = new Constraints({ ...whole, epsilon: radius * whole.epsilon }, size)
  const before = await bench.logits(at.x, at.n)
  let [total, margins] = [0, 0]
  for (let d = 0; d < directions; d++) {
    const points = at.x.slice()
    for (let i = 0; i < at.n; i++) {
      const point = row(points, i, size)
      const rng = createRng(job.seed, 'surface', at.ids[i]!, d)
      ball.random(row(at.x, i, size), rng, point)
      for (let p = 0; p < size; p++) point[p] = Math.min(Math.max(point[p]!, low), high)
    }
    const after = await bench.logits(points, at.n)
    for (let i = 0; i < at.n; i++) {
      const label = at.labels[i]!
      const [a, b] = [lead(row(before, i, classes), label), lead(row(after, i, classes), label)]
      total += Math.abs(b - a)
      margins += Math.abs(a)
    }
  }
  return total / margins
}

/** The threat model without its categories, which no radius measures: they stay as they are. */
function numbersOf(threat: ThreatModel, size: number): ThreatModel {
  const { features } = threat
  if (!features?.oneHot) return threat
  const { oneHot, ...rest } = features
  const members = new Set(oneHot.flat())
  const scale = Array.from({ length: size }, (_, i) =>
    members.has(i) ? 0 : (features.scale?.[i] ?? 1),
  )
  return { ...threat, features: { ...rest, scale } }
}
