import { buildReport, versionResults, versionsOf } from '../../../reports/model.js'
import type { Config } from '../../config/schema.js'
import type { Dataset } from '../../data/dataset.js'
import { loadDataset } from '../../data/load.js'
import { GauntletError } from '../../errors.js'
import { evaluateGate } from '../../gate/evaluate.js'
import { threatScopes } from '../../gate/schema.js'
import type { GateResult, GateRule } from '../../gate/types.js'
import type { ModelAudit } from '../../audit/model/result.js'
import type { Example } from '../../plan/task.js'
import type { TrialSet } from '../../plan/trial-arms.js'
import type { RunReport, TrustView } from '../../reporter.js'
import type { Store } from '../../store/store.js'
import type { CellOutcomes, RunRecord } from '../../store/types.js'
import { auditsOfRun } from './model-audits.js'
import { trialSetsOf } from './trial-sets.js'
import {
  doubtsOf,
  doubtsOfTrials,
  findingsOfTrials,
  resultSetOf,
  trustInAudits,
  trustInTrials,
  trustOf,
} from './trust-of.js'

/** The gate as a configuration states it. */
type GateConfig = NonNullable<Config['gate']>

export interface ReportRunOptions {
  readonly runId: string
  readonly gate?: GateConfig | undefined
  /** Versions to compare; default: each with its predecessor, and the gate's pair. */
  readonly pairs?: readonly (readonly [string, string])[] | undefined
  /** Loaded already; else it is loaded again for the pictures, if it still is what it was. */
  readonly dataset?: Dataset | undefined
  readonly withPictures?: boolean | undefined
}

/** The report of a run from the store alone; pictures need the data set too. */
export async function reportRun(store: Store, options: ReportRunOptions): Promise<RunReport> {
  const run = await store.getRun(options.runId)
  const results = await resultsOf(store, run)
  const { cells, trials, audits, problems } = results
  const { gate, trust } = await judge(store, results, options.gate)
  const dataset =
    options.withPictures === false ? undefined : (options.dataset ?? (await reloadDataset(run)))
  const examples = new Map<string, readonly Example[]>()
  if (dataset)
    for (const { cell } of cells) examples.set(cell.id, await store.examplesOf(run.id, cell.id))
  return buildReport({
    run,
    cells,
    trials,
    audits,
    problems,
    dataset,
    examples,
    gate,
    trust,
    pairs: options.pairs ?? gatePairs(versionsOf(cells, trials), gate),
  })
}

/** All that the store holds of a run's results. */
interface RunResults {
  readonly run: RunRecord
  readonly cells: readonly CellOutcomes[]
  readonly trials: readonly TrialSet[]
  readonly audits: ReadonlyMap<string, ModelAudit>
  /** Audits that did not come to their end. */
  readonly problems: readonly string[]
}

async function resultsOf(store: Store, run: RunRecord): Promise<RunResults> {
  const cells = await store.outcomesOf(run.id)
  const trials = await trialSetsOf(store, run)
  return { run, cells, trials, ...(await auditsOfRun(store, run)) }
}

/** Each version with its predecessor; then the gate's own pair where that is another one. */
function gatePairs(
  versions: readonly string[],
  gate: GateResult | undefined,
): (readonly [string, string])[] {
  const pairs = versions.slice(1).map((version, i) => [versions[i]!, version] as const)
  const { baseline, candidate } = gate ?? {}
  const isNew =
    baseline &&
    candidate &&
    versions.includes(baseline) &&
    !pairs.some(([a, b]) => a === baseline && b === candidate)
  return isNew ? [...pairs, [baseline, candidate]] : pairs
}

/** A run without any self-audit says nothing of trust. */
function addTrust(
  trust: TrustView[] | undefined,
  more: readonly TrustView[],
): TrustView[] | undefined {
  return more.length === 0 ? trust : [...(trust ?? []), ...more]
}

/** How far each version's numbers can be trusted, and the gate on the newest one. */
async function judge(
  store: Store,
  results: RunResults,
  gate: GateConfig | undefined,
): Promise<{ gate?: GateResult; trust?: TrustView[] | undefined }> {
  const { run, cells, trials, audits } = results
  const versions = versionsOf(cells, trials)
  const baseline = gate && (await baselineOf(store, results, versions, gate.baseline))
  const other = baseline && baseline.run !== run ? baseline : undefined
  const found = findingsOfTrials(run, trials, other?.trials)
  const withTrials = (trust: TrustView[] | undefined): TrustView[] | undefined =>
    addTrust(trust, [...trustInTrials(trials, found), ...trustInAudits(audits)])
  if (!gate) return { trust: withTrials(await trustOf(store, run, cells)) }
  const candidate = versions.at(-1)!
  const rules = gate.rules as readonly GateRule[]
  const trust = await trustOf(store, run, cells, {
    baseline: baseline ? resultSetOf(baseline.cells, baseline.version) : undefined,
    gateThreats: threatScopes(rules),
  })
  const inDoubt = [candidate, ...(baseline?.cells === cells ? [baseline.version] : [])]
  const foundBefore = other ? findingsOfTrials(other.run, other.trials, trials) : found
  return {
    trust: withTrials(trust),
    gate: evaluateGate({
      rules,
      waivers: gate.waivers,
      baseline: baseline
        ? versionResults(baseline.cells, baseline.version, {
            trials: baseline.trials,
            doubts: doubtsOfTrials(foundBefore),
            audits: baseline.audits,
          })
        : null,
      candidate: versionResults(cells, candidate, {
        trials,
        doubts: doubtsOfTrials(found),
        audits,
      }),
      doubts: doubtsOf(trust ?? [], inDoubt),
    }),
  }
}

/** A version with the results it is found in. */
interface VersionResults extends RunResults {
  readonly version: string
}

/** `previous`, `first`, a version of the run, or `baseline:NAME` of the store. Null: there is none. */
async function baselineOf(
  store: Store,
  results: RunResults,
  versions: readonly string[],
  reference: string,
): Promise<VersionResults | null> {
  if (reference.startsWith('baseline:')) {
    const pointer = await store.getBaseline(reference.slice('baseline:'.length))
    if (!pointer) return null
    const run = await store.getRun(pointer.runId)
    return { version: pointer.version, ...(await resultsOf(store, run)) }
  }
  const version =
    reference === 'previous'
      ? versions.at(-2)
      : reference === 'first' && versions.length > 1
        ? versions[0]
        : reference
  if (version === undefined || (reference === 'first' && versions.length < 2)) return null
  if (!versions.includes(version))
    throw new GauntletError('GNT_CONFIG', {
      what: 'the baseline of the gate is no version of this run',
      got: version,
      expected: `previous, first, baseline:NAME, ${versions.join(', ')}`,
    })
  return { version, ...results }
}

/** The data set of a run, if it is still there and still the same. */
async function reloadDataset(run: RunRecord): Promise<Dataset | undefined> {
  // Pictures are of attacks on finished models.
  const spec = run.cells[0]?.dataset
  if (!spec) return undefined
  try {
    const dataset = await loadDataset(spec)
    return dataset.digest === spec.digest ? dataset : undefined
  } catch (error) {
    if (error instanceof GauntletError) return undefined
    throw error
  }
}
