import { poisonProblems, poisoningView } from '../../reports/poisoning.js'
import { trustInTrials } from '../../src/cli/flows/trust-of.js'
import type { TrialSet } from '../../src/plan/trial-arms.js'
import type { PoisonExample, TrialResult } from '../../src/plan/trial.js'
import type { RunReport } from '../../src/reporter.js'
import { poisonFindings } from '../../src/trust/poisoning/index.js'
import { createRng } from '../../src/util/rng.js'
import { failingReport } from './sample-report.js'
import { count, filteredArms, set, trial, verdict } from './trials.js'

/** Ten trials that scatter around a share, with a detector of its own worth. */
function cell(
  version: string,
  rate: number,
  success: number,
  { label = 'BadNets 3×3', found = 0.9, done = 10 } = {},
): TrialSet {
  const rng = createRng('sample-poisoning', version, String(rate), label)
  const near = (share: number, spread: number): number =>
    Math.min(1, Math.max(0, share + spread * rng.normal()))
  const poisons = Math.round(rate * 5000)
  const results = Array.from({ length: done }, (_, i): TrialResult => {
    const clean = near(0.965, 0.003)
    const one = trial(i, {
      base: near(0.012, 0.004),
      success: near(success, 0.02),
      clean,
      poisonedClean: clean - Math.abs(near(0.004, 0.003)),
    })
    const removedPoisons = Math.round(poisons * near(found, 0.03))
    const removed = removedPoisons + 210
    return {
      ...one,
      ...(i === 0 ? { examples: [0, 1, 2, 3].map(patched) } : {}),
      poisons,
      notes: [`alignment with the wanted gradient: cosine 0.${80 + i}`],
      fed: poisons,
      arms: [
        ...one.arms,
        ...filteredArms('spectral', {
          removed,
          removedPoisons,
          poisons,
          success: near(0.02, 0.01),
          before: near(0.97 * success, 0.02),
        }),
      ],
      detectors: [
        verdict('spectral', {
          flagged: removed,
          truePositives: removedPoisons,
          flaggedInControl: Math.round(5000 * near(0.048, 0.002)),
        }),
        verdict('activation-clusters', {
          flagged: 0,
          truePositives: 0,
          flaggedInControl: 410,
        }),
      ],
      paths: { uint8: count(near(success, 0.01), 900), 'jpeg 75': count(0.55 * success, 900) },
    }
  })
  return set(results, {
    version,
    rate: { value: rate, of: 'dataset' },
    poison: {
      poison: label.split(' ')[0]!.toLowerCase(),
      version: 1,
      params: {},
      label,
    },
    cell: `${version} / ${label} / ${100 * rate} % of the data set`,
    keys: Array.from({ length: 10 }, (_, i) => `key ${i}`),
  })
}

/** A gradient of 8 × 8 pixels, and the same with a checkerboard in a corner. */
function patched(index: number): PoisonExample {
  const clean = Uint8Array.from({ length: 64 }, (_, i) => 4 * ((i + 5 * index) % 64))
  const poisoned = clean.map((level, i) =>
    i % 8 > 4 && i > 39 ? 255 * ((i + (i >> 3)) % 2) : level,
  )
  const [before, after] = [clean, poisoned].map((levels) => Buffer.from(levels).toString('base64'))
  const shape = [1, 8, 8]
  return { index, shape, label: 1 + index, poisonedLabel: 0, clean: before!, poisoned: after! }
}

/** v2 is more susceptible than v1 where little is poisoned. */
export function samplePoisoning(): TrialSet[] {
  return [
    cell('v1', 0.001, 0.03, { found: 0.4 }),
    cell('v1', 0.01, 0.31),
    cell('v1', 0.05, 0.97),
    cell('v1', 0.01, 0.22, { label: 'Blended 20 %' }),
    cell('v2', 0.001, 0.11, { found: 0.4 }),
    cell('v2', 0.01, 0.93),
    cell('v2', 0.05, 0.99),
    cell('v2', 0.01, 0.25, { label: 'Blended 20 %' }),
  ]
}

/** Attacked as it is, and poisoned. */
export function poisonedReport(sets = samplePoisoning()): RunReport {
  const report = failingReport()
  return {
    ...report,
    trust: trustInTrials(sets, poisonFindings({ sets })),
    poisoning: poisoningView(sets, [['v1', 'v2']]),
    problems: poisonProblems(sets),
  }
}

/** Nothing is attacked as it is. */
export function poisonedOnlyReport(sets = samplePoisoning()): RunReport {
  return {
    ...poisonedReport(sets),
    cells: [],
    comparisons: [],
    pictures: [],
    gate: undefined,
    versions: poisonedReport(sets).versions.map((version) => ({
      ...version,
      worstCase: [],
    })),
  }
}

/** A trial failed, and one did not run. */
export function unfinishedPoisoning(): RunReport {
  const [first, ...rest] = samplePoisoning()
  const { record, results } = first!
  return {
    ...poisonedReport([
      { record, results: results.slice(0, 8), failures: ['failed: training diverged'] },
      ...rest,
    ]),
    status: 'incomplete',
  }
}
