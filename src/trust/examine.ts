import { Bench } from './bench.js'
import type { Check } from './check.js'
import { approximations } from './preflight/approximations.js'
import { batchDependence } from './preflight/batch-dependence.js'
import { classCount } from './preflight/class-count.js'
import { gradientCheck } from './preflight/gradient-check.js'
import { gradientsMissing } from './preflight/gradients-missing.js'
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
 * @throws GNT_INTERRUPTED; what ONNX Runtime throws
 */
export async function examine(job: Examination): Promise<readonly Finding[]> {
  if (job.samples.length === 0) return []
  const bench = new Bench(job)
  try {
    const findings: Finding[] = []
    for (const check of checks) {
      bench.checkCancelled()
      if (!(await hasAll(bench, check))) continue
      const raised = await check.run(bench)
      for (const { severity, where = '', text } of raised === null ? [] : [raised].flat())
        findings.push({ signal: check.signal, severity, version: job.version, where, text })
    }
    return findings
  } finally {
    await bench.close()
  }
}

async function hasAll(bench: Bench, { needs }: Check): Promise<boolean> {
  for (const need of needs) if (!(await bench.has(need))) return false
  return true
}
