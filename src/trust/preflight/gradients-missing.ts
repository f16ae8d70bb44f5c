import { formatCounted } from '../../stats/format.js'
import type { Gradients } from '../bench.js'
import type { Check } from '../check.js'
import { percent, row } from '../measure.js'

/** A share that is allowed, and so many samples in any case: one dead sample is no sign of anything. */
const allowed = { share: 0.01, count: 1 }

/**
 * P7. A sample without a gradient cannot be attacked by one. The gradients are those that attacks use: scaled, so that a
 * saturated cross-entropy alone makes none vanish.
 * Source: Croce & Hein 2020 (AutoAttack's checks); Pintor et al. 2022, arXiv:2106.09947, indicator I1.
 */
export const gradientsMissing: Check = {
  signal: 'P7',
  needs: ['gradient', 'right'],
  async run(bench) {
    const { n, ce, margin } = await bench.cleanGradients()
    const counts = { 'cross-entropy': missing(ce, n), margin: missing(margin, n) }
    const isMuch = (count: number): boolean =>
      count > Math.max(allowed.count, allowed.share * n) || count === n
    const bad = Object.entries(counts).filter(
      ([, { zero, broken }]) => isMuch(zero) || isMuch(broken),
    )
    if (bad.length === 0) return null
    const isBroken = bad.some(([, { broken }]) => isMuch(broken))
    const parts = Object.entries(counts).map(
      ([loss, { zero, broken }]) =>
        `${loss}: ${percent(zero / n)} zero, ${percent(broken / n)} NaN or infinite`,
    )
    return {
      // One loss that works is enough for an attack that uses it.
      severity: isBroken || bad.length === 2 ? 'error' : 'warning',
      text: `gradients of ${formatCounted(n, 'sample')}: ${parts.join('; ')} (limit 1 %)`,
    }
  },
}

function missing({ gradient, loss }: Gradients, n: number): { zero: number; broken: number } {
  let [zero, broken] = [0, 0]
  for (let i = 0; i < n; i++) {
    const values = row(gradient, i, gradient.length / n)
    if (!values.every(Number.isFinite) || Number.isNaN(loss[i])) broken++
    else if (values.every((value) => value === 0)) zero++
  }
  return { zero, broken }
}
