import type { ThreatModel } from '../../threat/threat-model.js'
import { createRng } from '../../util/rng.js'
import type { Check, Raised } from '../check.js'
import { median } from '../../stats/median.js'
import { dot, lead, norm, percent, row, short } from '../measure.js'

const samples = 32
/** Of epsilon: noise that an attack's step would not notice, and a step that it takes. */
const [tiny, step] = [0.01, 0.1]
const limits = { cosine: 0.2, rises: 0.6 }

/**
 * E15. A gradient says something only if it holds in the neighbourhood: it hardly turns under noise of a hundredth of
 * epsilon, and the loss rises where it points.
 * Source: Athalye et al. 2018, arXiv:1802.00420, shattered gradients; the limits are our own.
 */
export const uselessGradient: Check = {
  signal: 'E15',
  needs: ['gradient', 'determinism', 'right', 'ball'],
  async run(bench) {
    const { size, classes, bounds } = bench
    const threat = bench.threat()!
    const { n: all, ids, margin } = await bench.cleanGradients()
    const at = bench.take(ids.slice(0, Math.min(samples, all)))
    const noisy = at.x.slice()
    const ahead = at.x.slice()
    for (let i = 0; i < at.n; i++) {
      const rng = createRng(bench.job.seed, 'tiny', at.ids[i]!)
      const noise = Float32Array.from({ length: size }, () => rng.normal())
      move(threat, bounds, row(noisy, i, size), noise, tiny)
      move(threat, bounds, row(ahead, i, size), row(margin.gradient, i, size), step)
    }
    const turned = await bench.gradients('margin', noisy, at.labels)
    const after = await bench.logits(ahead, at.n)
    const cosines: number[] = []
    let [moved, risen] = [0, 0]
    for (let i = 0; i < at.n; i++) {
      const [a, b] = [row(margin.gradient, i, size), row(turned.gradient, i, size)]
      const lengths = norm(a) * norm(b)
      // Missing gradients are P7's.
      if (lengths > 0) cosines.push(dot(a, b) / lengths)
      const x = row(at.x, i, size)
      if (row(ahead, i, size).every((value, p) => value === x[p])) continue
      moved++
      const label = at.labels[i]!
      if (lead(row(after, i, classes), label) < lead(row(margin.logits, i, classes), label)) risen++
    }
    const found: Raised[] = []
    const cosine = cosines.length > 0 ? median(cosines) : 1
    if (cosine < limits.cosine)
      found.push({
        severity: 'warning',
        text: `gradients at ${cosines.length} samples turn under noise of ε/100: median cosine ${short(cosine)} (limit ${limits.cosine})`,
      })
    if (moved > 0 && risen / moved < limits.rises)
      found.push({
        severity: 'warning',
        text: `a step of ε/10 along the gradient raises the loss of ${percent(risen / moved)} of ${moved} samples (limit 60 %)`,
      })
    return found
  },
}

/** Steepest in the ball's norm, as far as a share of epsilon, within the bounds. In place. */
function move(
  { norm: kind, epsilon }: ThreatModel,
  [low, high]: readonly [number, number],
  point: Float32Array,
  direction: Float32Array,
  share: number,
): void {
  const length = norm(direction)
  if (!(length > 0)) return
  for (let p = 0; p < point.length; p++) {
    const part = kind === 'linf' ? Math.sign(direction[p]!) : direction[p]! / length
    point[p] = Math.min(Math.max(point[p]! + share * epsilon * part, low), high)
  }
}
