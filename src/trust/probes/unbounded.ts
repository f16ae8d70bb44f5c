import type { Check } from '../check.js'
import { percent } from '../measure.js'

const [samples, steps] = [64, 100]
/** Of a few classes, chance would forgive too much. */
const mostForgiven = 0.1

/**
 * E5. With the whole range as epsilon a gradient attack can turn any sample into any other: who survives has gradients that
 * lead nowhere. From the clean sample: a random picture, which is where a random start begins, would be misjudged anyway.
 * Source: Athalye et al. 2018, arXiv:1802.00420, section 3.1; Carlini et al. 2019, arXiv:1902.06705.
 */
export const unbounded: Check = {
  signal: 'E5',
  needs: ['gradient', 'right', 'ball'],
  async run(bench) {
    if (!bench.job.attack.norms.includes('linf')) return null
    const [low, high] = bench.bounds
    const threat = { ...bench.threat()!, norm: 'linf' as const, epsilon: high - low }
    const all = await bench.right(samples)
    let standing = all
    for (const loss of ['margin', 'ce']) {
      const params = { steps, loss, randomStart: false }
      const { outcomes } = await bench.attack(standing, params, { threat })
      standing = bench.take(standing.ids.filter((_, i) => !outcomes[i]!.success))
      if (standing.n === 0) return null
    }
    const limit = Math.min(mostForgiven, 1 / bench.classes)
    // One sample may sit where its gradient is truly zero.
    if (standing.n <= Math.max(1, limit * all.n)) return null
    return {
      severity: 'error',
      where: `PGD-${steps}, margin and cross-entropy, ε the whole range`,
      text: `${percent(standing.n / all.n)} of ${all.n} samples survive without a bound (limit ${percent(limit)}): the gradients lead nowhere`,
    }
  },
}
