import type { Finding } from '../types.js'
import { findContradictions } from './contradictions.js'
import { findCoverage } from './coverage.js'
import { findBrokenCurves } from './curve.js'
import { findMasking } from './masking.js'
import { findCollapse, findFewSamples } from './samples.js'
import { findSettings } from './settings.js'
import { readTrials } from './trial.js'
import type { ResultInput } from './types.js'

/** A usual margin of a gate: one percentage point. */
const usualTolerance = 0.01

/** What the stored results of one version say against themselves. Pure; in the order of cells, not of severity. */
export function resultFindings(input: ResultInput): Finding[] {
  const { version, baseline, kinds, gateThreats = [] } = input
  const tolerance = input.tolerance ?? usualTolerance
  const trials = readTrials(input, kinds)
  return [
    ...findFewSamples(trials, version, input.tolerance),
    ...findMasking(trials, version, tolerance),
    ...findBrokenCurves(trials, version, tolerance),
    ...findContradictions(trials, version),
    ...findSettings(trials, version, tolerance),
    ...findCoverage(trials, { version, tolerance, gateThreats }),
    ...(baseline
      ? findCollapse(
          trials,
          { version: baseline.version, trials: readTrials(baseline, kinds) },
          { version, tolerance },
        )
      : []),
  ]
}
