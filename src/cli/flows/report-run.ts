import { buildReport, versionResults, versionsOf } from '../../../reports/model.js'
import type { Config } from '../../config/schema.js'
import type { Dataset } from '../../data/dataset.js'
import { loadDataset } from '../../data/load.js'
import { GauntletError } from '../../errors.js'
import { evaluateGate } from '../../gate/evaluate.js'
import { threatScopes } from '../../gate/schema.js'
import type { GateResult, GateRule } from '../../gate/types.js'
import type { Example } from '../../plan/task.js'
import type { RunReport, TrustView } from '../../reporter.js'
import type { Store } from '../../store/store.js'
import type { CellOutcomes, RunRecord } from '../../store/types.js'
import { doubtsOf, resultSetOf, trustOf } from './trust-of.js'

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
  const cells = await store.outcomesOf(run.id)
  const { gate, trust } = await judge(store, run, cells, options.gate)
  const dataset =
    options.withPictures === false ? undefined : (options.dataset ?? (await reloadDataset(run)))
  const examples = new Map<string, readonly Example[]>()
  if (dataset)
    for (const { cell } of cells) examples.set(cell.id, await store.examplesOf(run.id, cell.id))
  return buildReport({
    run,
    cells,
    dataset,
    examples,
    gate,
    trust,
    pairs: options.pairs ?? gatePairs(cells, gate),
  })
}

/** Each version with its predecessor; then the gate's own pair where that is another one. */
function gatePairs(
  cells: readonly CellOutcomes[],
  gate: GateResult | undefined,
): (readonly [string, string])[] {
  const versions = versionsOf(cells)
  const pairs = versions.slice(1).map((version, i) => [versions[i]!, version] as const)
  const { baseline, candidate } = gate ?? {}
  const isNew =
    baseline &&
    candidate &&
    versions.includes(baseline) &&
    !pairs.some(([a, b]) => a === baseline && b === candidate)
  return isNew ? [...pairs, [baseline, candidate]] : pairs
}

/** How far each version's numbers can be trusted, and the gate on the newest one. */
async function judge(
  store: Store,
  run: RunRecord,
  cells: readonly CellOutcomes[],
  gate: GateConfig | undefined,
): Promise<{ gate?: GateResult; trust?: TrustView[] | undefined }> {
  if (!gate) return { trust: await trustOf(store, run, cells) }
  const versions = versionsOf(cells)
  const candidate = versions.at(-1)!
  const baseline = await baselineOf(store, cells, versions, gate.baseline)
  const rules = gate.rules as readonly GateRule[]
  const trust = await trustOf(store, run, cells, {
    baseline: baseline ? resultSetOf(baseline.cells, baseline.version) : undefined,
    gateThreats: threatScopes(rules),
  })
  const inDoubt = [candidate, ...(baseline?.cells === cells ? [baseline.version] : [])]
  return {
    trust,
    gate: evaluateGate({
      rules,
      waivers: gate.waivers,
      baseline: baseline ? versionResults(baseline.cells, baseline.version) : null,
      candidate: versionResults(cells, candidate),
      doubts: doubtsOf(trust ?? [], inDoubt),
    }),
  }
}

/** A version with the cells it is found in. */
interface VersionCells {
  readonly version: string
  readonly cells: readonly CellOutcomes[]
}

/** `previous`, `first`, a version of the run, or `baseline:NAME` of the store. Null: there is none. */
async function baselineOf(
  store: Store,
  cells: readonly CellOutcomes[],
  versions: readonly string[],
  reference: string,
): Promise<VersionCells | null> {
  if (reference.startsWith('baseline:')) {
    const pointer = await store.getBaseline(reference.slice('baseline:'.length))
    if (!pointer) return null
    return { version: pointer.version, cells: await store.outcomesOf(pointer.runId) }
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
  return { version, cells }
}

/** The data set of a run, if it is still there and still the same. */
async function reloadDataset(run: RunRecord): Promise<Dataset | undefined> {
  const spec = run.cells[0]!.dataset
  try {
    const dataset = await loadDataset(spec)
    return dataset.digest === spec.digest ? dataset : undefined
  } catch (error) {
    if (error instanceof GauntletError) return undefined
    throw error
  }
}
