import type { PoisonResults, TrialValues } from '../src/gate/types.js'
import {
  armOf,
  cleanLossOf,
  filtersOf,
  notesOf,
  sharesOf,
  shareOf,
  successShare,
  trainingSize,
  trialName,
  type TrialSet,
} from '../src/plan/trial-arms.js'
import type { Arm, PoisoningRecord, TrialResult } from '../src/plan/trial.js'
import type {
  ArmView,
  DetectorView,
  FilterView,
  PoisonCellView,
  PoisonComparisonView,
  PoisoningView,
  TrialArmView,
} from '../src/reporter.js'
import { holm } from '../src/stats/multiple.js'
import { pairedTrials } from '../src/stats/paired-trials.js'
import { clopperPearson } from '../src/stats/proportion.js'
import { meanAccuracy, meanDifference, meanOf, meanShare } from '../src/stats/trials.js'
import { digestJson } from '../src/util/hash.js'

/** Why numbers of a cell are not valid; with a filter: those after it. */
export interface PoisonDoubt {
  readonly cell: string
  readonly text: string
  readonly filter?: string | undefined
}

/** What the reports show of the trials of a run. */
export function poisoningView(
  sets: readonly TrialSet[],
  pairs: readonly (readonly [string, string])[],
): PoisoningView {
  return {
    cells: sets.map(cellView),
    comparisons: pairs.flatMap(([baseline, candidate]) => compare(sets, baseline, candidate)),
  }
}

function cellView({ record, results }: TrialSet): PoisonCellView {
  const { version, poison, title, goal, rate, keys } = record
  const paths = [...new Set(results.flatMap((result) => Object.keys(result.paths)))]
  return {
    version,
    poison: poison.poison,
    label: poison.label,
    title,
    goal,
    rate,
    planned: keys.length,
    done: results.length,
    complete: results.length === keys.length,
    successShare,
    clean: armView(results, (result) => armOf(result, 'clean')),
    poisoned: armView(results, (result) => armOf(result, 'poisoned')),
    cleanLoss: meanDifference(results.flatMap((result) => cleanLossOf(result) ?? [])),
    filters: filtersOf(results).flatMap((filter) => filterView(results, filter) ?? []),
    detectors: detectorViews(record, results),
    paths: paths.map((path) => ({
      path,
      attackSuccess: meanShare(sharesOf(results, (result) => result.paths[path])),
    })),
    arms: results.flatMap(armRows),
    seconds: results.reduce((sum, one) => sum + one.seconds, 0),
    secondsInRuntime: results.reduce((sum, one) => sum + one.secondsInRuntime, 0),
    notes: notesOf(keys, results),
    examples: results.find(({ examples }) => examples?.length)?.examples ?? [],
  }
}

/** Means over the trials that have the arm; undefined if none has. */
export function armView(
  results: readonly TrialResult[],
  read: (result: TrialResult) => Arm | undefined,
): ArmView | undefined {
  if (!results.some(read)) return undefined
  const success = sharesOf(results, (result) => read(result)?.attackSuccess)
  const successful = success.filter((share) => share >= successShare).length
  return {
    cleanAccuracy: meanAccuracy(sharesOf(results, (result) => read(result)?.cleanAccuracy)),
    attackSuccess: meanShare(success),
    recoveredAccuracy: meanShare(sharesOf(results, (result) => read(result)?.attackedAccuracy)),
    successfulTrials: clopperPearson(successful, success.length),
  }
}

function filterView(results: readonly TrialResult[], filter: string): FilterView | undefined {
  const read = (result: TrialResult): Arm | undefined => armOf(result, 'filtered', filter)
  const view = armView(results, read)
  if (!view) return undefined
  const own = results.flatMap((result) => {
    const arm = read(result)
    return arm ? [{ arm, poisons: result.poisons, samples: trainingSize(result) ?? NaN }] : []
  })
  return {
    ...view,
    filter,
    removedShare: meanOf(own.map(({ arm, samples }) => arm.removed / samples)),
    foundShare: meanOf(own.map(({ arm, poisons }) => arm.removedPoisons / poisons)),
    trials: own.length,
  }
}

function detectorViews(
  { falsePositiveRate: stated }: PoisoningRecord,
  results: readonly TrialResult[],
): DetectorView[] {
  const all = results.flatMap(({ detectors, poisons }) =>
    detectors.map((one) => ({ ...one, poisons })),
  )
  return [...new Set(all.map(({ detector }) => detector))].map((detector) => {
    const own = all.filter((one) => one.detector === detector)
    const used = own.filter(({ notApplicable }) => notApplicable === null)
    const refusal = own.find(({ notApplicable }) => notApplicable !== null)
    return {
      detector,
      // Where it flagged nothing it has no precision.
      precision: meanOf(
        used.filter(({ flagged }) => flagged > 0).map((one) => one.truePositives / one.flagged),
      ),
      recall: meanOf(used.map((one) => one.truePositives / one.poisons)),
      falsePositiveRate: meanOf(used.map((one) => one.flaggedInControl / one.samples)),
      stated,
      trials: used.length,
      ...(refusal ? { notApplicable: refusal.notApplicable! } : {}),
    }
  })
}

function armRows(result: TrialResult): TrialArmView[] {
  const { source, target, seed, poisons, fed } = result
  return result.arms.map(
    ({ arm, filter, removed, removedPoisons, seconds, ...counts }): TrialArmView => ({
      source,
      target,
      seed,
      poisons,
      fed,
      arm,
      filter,
      removed,
      removedPoisons,
      cleanRight: counts.cleanAccuracy.successes,
      cleanTrials: counts.cleanAccuracy.trials,
      attackSuccesses: counts.attackSuccess.successes,
      attackTrials: counts.attackSuccess.trials,
      recovered: counts.attackedAccuracy.successes,
      seconds,
    }),
  )
}

/** Attack success of each poison at each rate, before and after each filter: in the trials that both versions have. */
function compare(
  sets: readonly TrialSet[],
  baseline: string,
  candidate: string,
): PoisonComparisonView[] {
  const of = (version: string): TrialSet[] =>
    sets.filter(({ record }) => record.version === version)
  const rows = of(baseline).flatMap((before) => {
    const after = of(candidate).find(
      ({ record }) => poisonDigest(record) === poisonDigest(before.record),
    )
    if (!after) return []
    return [null, ...detectorsOf(before)].flatMap((filter) => compareCell(before, after, filter))
  })
  const adjusted = holm(rows.map((row) => row.difference.pMore))
  return rows.map((row, i) => ({ baseline, candidate, ...row, pAdjusted: adjusted[i]! }))
}

/** Random and perfect filters are the scale, not what a version is compared by. */
const detectorsOf = ({ results }: TrialSet): string[] =>
  filtersOf(results).filter((filter) => filter !== 'random' && filter !== 'oracle')

function compareCell(
  before: TrialSet,
  after: TrialSet,
  filter: string | null,
): Omit<PoisonComparisonView, 'baseline' | 'candidate' | 'pAdjusted'>[] {
  const read = (result: TrialResult): number =>
    valuesOf(result, filter)?.attackSuccess ?? Number.NaN
  const old = new Map(before.results.map((result) => [trialName(result), read(result)]))
  const pairs = after.results.flatMap((result) => {
    const pair = [old.get(trialName(result)) ?? Number.NaN, read(result)] as const
    return pair.some(Number.isNaN) ? [] : [pair]
  })
  if (pairs.length === 0) return []
  const [left, right] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)]
  const { poison, rate } = before.record
  return [
    {
      label: poison.label,
      rate,
      ...(filter === null ? {} : { filter }),
      baselineValue: meanShare(left),
      candidateValue: meanShare(right),
      difference: pairedTrials(left, right),
    },
  ]
}

/** @param filter - null: the poisoned arm */
function valuesOf(result: TrialResult, filter: string | null): TrialValues | undefined {
  const arm = armOf(result, filter === null ? 'poisoned' : 'filtered', filter)
  if (!arm) return undefined
  const clean = armOf(result, 'clean')
  return {
    attackSuccess: shareOf(arm.attackSuccess),
    cleanLoss: clean ? shareOf(clean.cleanAccuracy) - shareOf(arm.cleanAccuracy) : null,
  }
}

/** What two versions must share: all but the training, which is what is compared. */
function poisonDigest({ poison, rate, trainingData, dataset }: PoisoningRecord): string {
  const { poison: id, version, params } = poison
  return digestJson([id, version, params, rate, trainingData.digest, dataset.digest])
}

/** What the gate reads of the trials of one version. */
export function poisonResults(
  sets: readonly TrialSet[],
  version: string,
  doubts: readonly PoisonDoubt[],
): PoisonResults[] {
  return sets
    .filter(({ record }) => record.version === version)
    .map(({ record, results }) => ({
      poison: record.poison.poison,
      label: record.poison.label,
      rate: record.rate,
      digest: poisonDigest(record),
      planned: record.keys.length,
      trials: results.map((result) => ({
        trial: trialName(result),
        poisoned: valuesOf(result, null),
        filtered: Object.fromEntries(
          filtersOf([result]).flatMap((filter) => {
            const values = valuesOf(result, filter)
            return values ? [[filter, values] as const] : []
          }),
        ),
      })),
      doubts: doubts
        .filter(({ cell }) => cell === record.cell)
        .map(({ text, filter }) => ({ text, filter })),
    }))
}

/** What did not run, one line each. */
export function poisonProblems(sets: readonly TrialSet[]): string[] {
  return sets.flatMap(({ record, results, failures }) => {
    const missing = record.keys.length - results.length - failures.length
    return [
      ...failures.map((failure) => `${record.cell}: ${failure}`),
      ...(missing > 0
        ? [`${record.cell}: ${missing} of ${record.keys.length} trials did not run`]
        : []),
    ]
  })
}
