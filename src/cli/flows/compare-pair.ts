import { buildReport, versionsOf } from '../../../reports/model.js'
import { GauntletError } from '../../errors.js'
import type { RunReport } from '../../reporter.js'
import type { Store } from '../../store/store.js'
import type { CellOutcomes, RunRecord } from '../../store/types.js'
import { canonicalJson } from '../../util/hash.js'

interface Side {
  readonly run: RunRecord
  readonly cells: readonly CellOutcomes[]
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
  checkComparable(before.cells, after.cells, baseline, candidate)
  const cells = [...rename(before.cells, baseline), ...rename(after.cells, candidate)]
  return buildReport({
    run: { ...after.run, title: `${baseline} against ${candidate}` },
    cells,
    pairs: [[baseline, candidate]],
  })
}

async function side(store: Store, defaultRun: string, reference: string): Promise<Side> {
  const slash = reference.indexOf('/')
  const [runName, version] =
    slash < 0 ? [defaultRun, reference] : [reference.slice(0, slash), reference.slice(slash + 1)]
  const run = await store.getRun(runName)
  const all = await store.outcomesOf(run.id)
  const cells = all.filter(({ cell }) => cell.model.version === version)
  if (cells.length === 0)
    throw new GauntletError('GNT_STORE_NOT_FOUND', {
      what: 'no such version in the run',
      where: run.id,
      got: version,
      expected: versionsOf(all).join(', '),
    })
  return { run, cells }
}

function rename(cells: readonly CellOutcomes[], version: string): CellOutcomes[] {
  return cells.map((one) => ({
    ...one,
    cell: { ...one.cell, id: `${version}: ${one.cell.id}`, model: { ...one.cell.model, version } },
  }))
}

function checkComparable(
  before: readonly CellOutcomes[],
  after: readonly CellOutcomes[],
  baseline: string,
  candidate: string,
): void {
  if (baseline === candidate)
    throw new GauntletError('GNT_COMPARE', {
      what: 'a version compared with itself',
      got: baseline,
    })
  const [a, b] = [before[0]!.cell.dataset.digest, after[0]!.cell.dataset.digest]
  if (a !== b)
    throw new GauntletError('GNT_COMPARE', {
      what: 'the versions were attacked on different data',
      got: `data digests ${a.slice(0, 12)} and ${b.slice(0, 12)}`,
      fix: 'run both versions on the same data set',
    })
  const known = threats(before)
  if (![...threats(after)].some((key) => known.has(key)))
    throw new GauntletError('GNT_COMPARE', {
      what: 'the versions have no attack and threat model in common',
      fix: 'run the same suite on both',
    })
}

function threats(cells: readonly CellOutcomes[]): Set<string> {
  return new Set(cells.map(({ cell }) => canonicalJson([cell.attack, cell.threat])))
}
