import type { Goal, ThreatModel } from '../../threat/threat-model.js'
import type { Check } from '../check.js'
import { percent } from '../measure.js'

const [samples, steps] = [48, 100]
/** When so many survive the first two, the others would only cost time. */
const hopeless = 0.9

const untargeted: Goal = { kind: 'untargeted' }

/**
 * One after the other on who still stands. Steps of a tenth of the range at most: longer ones jump from one random picture
 * to the next, and would break a network whose gradients lead nowhere as well.
 */
const attempts: readonly { loss: string; relStepSize: number; goal: Goal }[] = [
  { loss: 'margin', relStepSize: 0.025, goal: untargeted },
  { loss: 'ce', relStepSize: 0.1, goal: untargeted },
  { loss: 'ce', relStepSize: 0.1, goal: { kind: 'targeted', target: 'random' } },
  { loss: 'ce', relStepSize: 0.1, goal: { kind: 'targeted', target: 'least-likely' } },
]

/**
 * Share of survivors. Chance, but of few classes less, is worth a look. A deep network of plain layers on black pictures
 * keeps up to 13 % in dead corners (mnist-net_256x6), one whose gradients lead nowhere nearly all.
 */
const limits = { warning: 0.1, error: 0.25 }

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
    const threat: ThreatModel = { ...bench.threat()!, norm: 'linf', epsilon: high - low }
    const all = await bench.right(samples)
    let standing = all
    for (const [at, { goal, ...params }] of attempts.entries()) {
      if (at >= 2 && standing.n > hopeless * all.n) break
      const options = { threat: { ...threat, goal } }
      const { outcomes } = await bench.attack(
        standing,
        { ...params, steps, randomStart: false },
        options,
      )
      standing = bench.take(standing.ids.filter((_, i) => !outcomes[i]!.success))
      if (standing.n === 0) return null
    }
    const limit = Math.min(limits.warning, 1 / bench.classes)
    // One sample may sit where its gradient is truly zero.
    if (standing.n <= Math.max(1, limit * all.n)) return null
    const share = standing.n / all.n
    return {
      severity: share > limits.error ? 'error' : 'warning',
      where: `PGD-${steps}, ε the whole range`,
      text: `${percent(share)} of ${all.n} samples survive without a bound (limit ${percent(limit)}; error from ${percent(limits.error)})`,
    }
  },
}
