import { buildReport, versionsOf } from '../../../reports/model.js'
import { GauntletError } from '../../errors.js'
import type { TrialSet } from '../../plan/trial-arms.js'
import type { PoisoningRecord } from '../../plan/trial.js'
import type { RunReport } from '../../reporter.js'
import type { Store } from '../../store/store.js'
import type { CellOutcomes, RunRecord } from '../../store/types.js'
import { canonicalJson } from '../../util/hash.js'
import { trialSetsOf } from './trial-sets.js'

interface Side {
  readonly run: RunRecord
  readonly cells: readonly CellOutcomes[]
  readonly trials: readonly TrialSet[]
}

/**
 * Two versions side by side, of one run or of two.
 * @throws GNT_COMPARE when data or threat models differ: numbers of different tests are no comparison
 */
export async function comparePair(
  store: Store,
  defaultRun: string,
  baseline: string,
  candidate: string,
): Promise<RunReport> {
  const before = await side(store, defaultRun, baseline)
  const after = await side(store, defaultRun, candidate)
  checkComparable(before, after, baseline, candidate)
  return buildReport({
    run: { ...after.run, title: `${baseline} against ${candidate}` },
    cells: [...rename(before.cells, baseline), ...rename(after.cells, candidate)],
    trials: [...renameTrials(before.trials, baseline), ...renameTrials(after.trials, candidate)],
    pairs: [[baseline, candidate]],
  })
}

async function side(store: Store, defaultRun: string, reference: string): Promise<Side> {
  const slash = reference.indexOf('/')
  const [runName, version] =
    slash < 0 ? [defaultRun, reference] : [reference.slice(0, slash), reference.slice(slash + 1)]
  const run = await store.getRun(runName)
  const all = await store.outcomesOf(run.id)
  const sets = await trialSetsOf(store, run)
  const cells = all.filter(({ cell }) => cell.model.version === version)
  const trials = sets.filter(({ record }) => record.version === version)
  if (cells.length === 0 && trials.length === 0)
    throw new GauntletError('GNT_STORE_NOT_FOUND', {
      what: 'no such version in the run',
      where: run.id,
      got: version,
      expected: versionsOf(all, sets).join(', '),
    })
  return { run, cells, trials }
}

function rename(cells: readonly CellOutcomes[], version: string): CellOutcomes[] {
  return cells.map((one) => ({
    ...one,
    cell: { ...one.cell, id: `${version}: ${one.cell.id}`, model: { ...one.cell.model, version } },
  }))
}

function renameTrials(sets: readonly TrialSet[], version: string): TrialSet[] {
  return sets.map((one) => ({
    ...one,
    record: { ...one.record, cell: `${version}: ${one.record.cell}`, version },
  }))
}

function checkComparable(before: Side, after: Side, baseline: string, candidate: string): void {
  if (baseline === candidate)
    throw new GauntletError('GNT_COMPARE', {
      what: 'a version compared with itself',
      got: baseline,
    })
  const [a, b] = [dataOf(before), dataOf(after)]
  if (a !== b)
    throw new GauntletError('GNT_COMPARE', {
      what: 'the versions were attacked on different data',
      got: `data digests ${a.slice(0, 12)} and ${b.slice(0, 12)}`,
      fix: 'run both versions on the same data set',
    })
  const known = tests(before)
  if (![...tests(after)].some((key) => known.has(key)))
    throw new GauntletError('GNT_COMPARE', {
      what: 'the versions have no attack and threat model in common',
      fix: 'run the same suite on both',
    })
}

/** A side has cells of attacks or of poisons. */
function dataOf({ cells, trials }: Side): string {
  return (cells[0]?.cell ?? trials[0]!.record).dataset.digest
}

/** What a version was tried with: attacks with their threat models, poisons with their rates. */
function tests({ cells, trials }: Side): Set<string> {
  return new Set([
    ...cells.map(({ cell }) => canonicalJson([cell.attack, cell.threat])),
    ...trials.map(({ record }) => canonicalJson(testOf(record))),
  ])
}

const testOf = ({ poison, rate, trainingData }: PoisoningRecord): unknown => [
  poison,
  rate,
  trainingData.digest,
]
