import { mcNemarWorse } from '../../stats/mcnemar.js'
import type { Bench, Probe } from '../bench.js'
import type { Check, Raised } from '../check.js'
import { percent } from '../measure.js'
import { sharedAttack } from './shared-attack.js'

const limits = { share: 0.005, significance: 0.05 }

/**
 * E7. Twice the steps at the same step size break samples that the attack called robust.
 * Source: Carlini et al. 2019, arXiv:1902.06705, verify that attacks have converged.
 */
export const convergence: Check = {
  signal: 'E7',
  needs: ['gradient', 'right', 'ball'],
  async run(bench) {
    const { steps } = (await sharedAttack(bench)).params
    if (typeof steps !== 'number') return null
    const relStepSize = Math.min(1, 2.5 / steps)
    return more(bench, { steps: 2 * steps, relStepSize }, {}, 'twice the steps')
  },
}

/**
 * E8. Another random start breaks samples that the attack called robust.
 * Source: Carlini et al. 2019, arXiv:1902.06705; on MNIST 50 restarts take 92.52 % to 89.62 %.
 */
export const restarts: Check = {
  signal: 'E8',
  needs: ['gradient', 'right', 'ball'],
  run: (bench) => more(bench, {}, { seed: bench.job.seed + 1 }, 'a second random start'),
}

/** What more of the same finds among those that stand. */
async function more(
  bench: Bench,
  changes: Readonly<Record<string, unknown>>,
  probe: Pick<Probe, 'seed'>,
  what: string,
): Promise<Raised | null> {
  const { all, standing, params, label } = await sharedAttack(bench)
  if (standing.n === 0) return null
  const threat = bench.threat()!
  const { outcomes } = await bench.attack(standing, { ...params, ...changes }, { ...probe, threat })
  const newlyBroken = outcomes.filter(({ success }) => success).length
  const isMuch = newlyBroken > limits.share * all.n
  // Who has fallen stays so: the worst case counts. Hence nobody is newly fixed.
  if (!isMuch || mcNemarWorse({ newlyBroken, newlyFixed: 0 }) >= limits.significance) return null
  return {
    severity: 'warning',
    where: label,
    text: `${what} break ${newlyBroken} more of ${all.n} samples, ${percent(newlyBroken / all.n)} (limit 0.5 % and p < 0.05)`,
  }
}
