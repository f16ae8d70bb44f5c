import { GauntletError } from '../errors.js'
import { Bench } from './bench.js'
import type { Check, Raised } from './check.js'
import { approximations } from './preflight/approximations.js'
import { batchDependence } from './preflight/batch-dependence.js'
import { classCount } from './preflight/class-count.js'
import { gradientCheck } from './preflight/gradient-check.js'
import { gradientsMissing } from './preflight/gradients-missing.js'
import { inputKept } from './preflight/input-kept.js'
import { labelMapping } from './preflight/label-mapping.js'
import { logitScale } from './preflight/logit-scale.js'
import { loops } from './preflight/loops.js'
import { normalisation } from './preflight/normalisation.js'
import { probabilities } from './preflight/probabilities.js'
import { inputRange } from './preflight/range.js'
import { saturation } from './preflight/saturation.js'
import { stochastic } from './preflight/stochastic.js'
import { convergence, restarts } from './probes/convergence.js'
import { deployed } from './probes/deployed.js'
import { rounding } from './probes/rounding.js'
import { unbounded } from './probes/unbounded.js'
import { unitTest } from './probes/unit-test.js'
import { unstableLoss } from './probes/unstable-loss.js'
import { uselessGradient } from './probes/useless-gradient.js'
import type { Examination, Finding } from './types.js'

/** The signals that need to run the model, cheap ones first. A new one is one file and one line here. */
const checks: readonly Check[] = [
  stochastic,
  probabilities,
  batchDependence,
  inputKept,
  inputRange,
  normalisation,
  labelMapping,
  classCount,
  loops,
  approximations,
  saturation,
  logitScale,
  deployed,
  gradientsMissing,
  gradientCheck,
  uselessGradient,
  unstableLoss,
  unbounded,
  unitTest,
  convergence,
  restarts,
  rounding,
]

/**
 * Examines one version of a model: everything about it that can make an evaluation lie and that shows without the run's
 * results. On at most 256 samples; it costs about as much as PGD-100 on 64.
 *
 * @throws GNT_INTERRUPTED
 */
export async function examine(job: Examination): Promise<readonly Finding[]> {
  if (job.samples.length === 0) return []
  const bench = new Bench(job)
  try {
    const findings: Finding[] = []
    for (const check of checks) {
      bench.checkCancelled()
      for (const { severity, where = '', text } of await raisedBy(check, bench))
        findings.push({ signal: check.signal, severity, version: job.version, where, text })
    }
    return findings
  } finally {
    await bench.close()
  }
}

/** What cannot be measured is said: silence would mean that all is well. */
async function raisedBy(check: Check, bench: Bench): Promise<readonly Raised[]> {
  try {
    for (const need of check.needs) if (!(await bench.has(need))) return []
    return [(await check.run(bench)) ?? []].flat()
  } catch (error) {
    if (!(error instanceof GauntletError) || error.code === 'GNT_INTERRUPTED') throw error
    return [{ severity: 'note', text: `not measured: ${error.message}` }]
  }
}
