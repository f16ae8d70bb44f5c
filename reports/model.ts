import { takeSamples, type Dataset } from '../src/data/dataset.js'
import type { CellResults, GateResult, VersionResults } from '../src/gate/types.js'
import type { AttackSpec, Example, ModelSpec, Outcome } from '../src/plan/task.js'
import type {
  CellView,
  ComparisonView,
  PictureView,
  RunReport,
  TrustView,
  VersionView,
} from '../src/reporter.js'
import { holm } from '../src/stats/multiple.js'
import { pairCounts, pairedDifference } from '../src/stats/paired.js'
import { wilson } from '../src/stats/proportion.js'
import type { CellOutcomes, RunRecord } from '../src/store/types.js'
import { formatConstraints, type Norm, type ThreatModel } from '../src/threat/threat-model.js'
import { canonicalJson, digestJson } from '../src/util/hash.js'
import { isApproximation } from '../src/util/approximation.js'
import type { TrialSet } from '../src/plan/trial-arms.js'
import type { ModelAudit } from '../src/audit/model/result.js'
import { auditView, backdoorAudit } from './audits.js'
import { poisoningView, poisonProblems, poisonResults, type PoisonDoubt } from './poisoning.js'

export interface ReportInput {
  readonly run: RunRecord
  readonly cells: readonly CellOutcomes[]
  /** For the pictures; without it there are none. */
  readonly dataset?: Dataset | undefined
  /** Kept examples by cell id. */
  readonly examples?: ReadonlyMap<string, readonly Example[]> | undefined
  readonly gate?: GateResult | undefined
  readonly trust?: readonly TrustView[] | undefined
  /** Pairs of versions to compare, baseline first; default: each version with its predecessor. */
  readonly pairs?: readonly (readonly [string, string])[] | undefined
  /** Trials of the poisons, by cell in planned order; none: the run poisons nothing. */
  readonly trials?: readonly TrialSet[] | undefined
  /** Of the files of the versions; none: they were not examined. */
  readonly audits?: ReadonlyMap<string, ModelAudit> | undefined
  /** What else did not come to its end, one line each. */
  readonly problems?: readonly string[] | undefined
}

const isRight = (outcome: Outcome): boolean => outcome.cleanPrediction === outcome.label
const isRobust = (outcome: Outcome): boolean => isRight(outcome) && !outcome.success
const count = <T>(items: readonly T[], test: (item: T) => boolean): number =>
  items.filter(test).length

/** The one view model that every reporter shows, made from what the store holds of a run. */
export function buildReport(input: ReportInput): RunReport {
  const { run, cells, trials = [] } = input
  const versions = versionsOf(cells, trials)
  const pairs =
    input.pairs ?? versions.slice(1).map((version, i) => [versions[i]!, version] as const)
  const dataset = run.cells[0]?.dataset ?? trials[0]?.record.dataset
  if (!dataset) throw new Error('a run without cells has no report')
  const settings = run.manifest as { classes?: number; dataset?: string; samples?: number }
  return {
    title: run.title,
    runId: run.id,
    createdAt: run.createdAt,
    status: run.status === 'running' ? 'interrupted' : run.status,
    suite: run.suite,
    dataset: {
      name: settings.dataset ?? dataset.path,
      digest: dataset.digest,
      samples: run.cells[0] ? run.cells[0].to - run.cells[0].from : (settings.samples ?? 0),
      classes: settings.classes ?? 0,
    },
    versions: versions.map((version) => versionView(version, cells, run)),
    cells: cells.map(cellView),
    comparisons: pairs.flatMap(([baseline, candidate]) =>
      compareVersions(cells, baseline, candidate),
    ),
    ...(input.gate ? { gate: input.gate } : {}),
    ...(input.trust ? { trust: input.trust } : {}),
    pictures: input.dataset ? pictures(cells, input.dataset, input.examples ?? new Map()) : [],
    ...(trials.length > 0 ? { poisoning: poisoningView(trials, pairs) } : {}),
    ...(input.audits && input.audits.size > 0
      ? { audits: [...input.audits].map(([version, audit]) => auditView(version, audit)) }
      : {}),
    problems: [...problemsOf(cells), ...poisonProblems(trials), ...(input.problems ?? [])],
    manifest: run.manifest,
  }
}

/** Versions of a run in their order. */
export function versionsOf(
  cells: readonly CellOutcomes[],
  trials: readonly TrialSet[] = [],
): string[] {
  return [
    ...new Set([
      ...cells.map(({ cell }) => cell.model.version),
      ...trials.map(({ record }) => record.version),
    ]),
  ]
}

/** What the gate reads of one version. */
export function versionResults(
  cells: readonly CellOutcomes[],
  version: string,
  {
    trials = [],
    doubts = [],
    audits,
  }: {
    readonly trials?: readonly TrialSet[]
    readonly doubts?: readonly PoisonDoubt[]
    readonly audits?: ReadonlyMap<string, ModelAudit>
  } = {},
): VersionResults {
  const own = cells.filter(({ cell }) => cell.model.version === version)
  const poisons = poisonResults(trials, version, doubts)
  const audit = audits?.get(version)
  return {
    version,
    modelDigest: own[0]?.cell.model.digest ?? '',
    datasetDigest: own[0]?.cell.dataset.digest ?? '',
    ...(poisons.length > 0 ? { poisons } : {}),
    ...(audit ? { audit: backdoorAudit(audit) } : {}),
    cells: own.map(({ cell, outcomes, complete }): CellResults => ({
      attack: cell.attack.attack,
      label: cell.attack.label,
      attackDigest: attackDigest(cell.attack, cell.threat),
      ...threatKey(cell.threat),
      complete,
      samples: outcomes.map((outcome) => ({
        sample: outcome.sample,
        cleanRight: isRight(outcome),
        robust: isRobust(outcome),
      })),
    })),
  }
}

/** Of all but norm and epsilon. */
function attackDigest(attack: AttackSpec, { goal, features, quantize }: ThreatModel): string {
  const constraints = features || quantize !== undefined ? [{ features, quantize }] : []
  return digestJson([attack, goal, ...constraints])
}

function cellView({
  cell,
  outcomes,
  complete,
  seconds,
  secondsInRuntime,
  notes,
}: CellOutcomes): CellView {
  const right = count(outcomes, isRight)
  return {
    version: cell.model.version,
    attack: cell.attack.attack,
    label: cell.attack.label,
    ...threatKey(cell.threat),
    samples: outcomes.length,
    complete,
    cleanAccuracy: wilson(right, outcomes.length),
    robustAccuracy: wilson(count(outcomes, isRobust), outcomes.length),
    attackSuccess: wilson(
      count(outcomes, (outcome) => outcome.success),
      right,
    ),
    queries: outcomes.reduce((sum, outcome) => sum + outcome.queries, 0),
    gradients: outcomes.reduce((sum, outcome) => sum + outcome.gradients, 0),
    seconds,
    secondsInRuntime,
    notes,
  }
}

interface ThreatKey {
  readonly norm: Norm
  readonly epsilon: number
  readonly constraints?: string
}

/** What tells threats apart in a report; a target is part of the attack there. */
function threatKey(threat: ThreatModel): ThreatKey {
  const constraints = formatConstraints(threat)
  const { norm, epsilon } = threat
  return { norm, epsilon, ...(constraints ? { constraints } : {}) }
}

const textOf = ({ norm, epsilon, constraints = '' }: ThreatKey): string =>
  `${norm} ${epsilon} ${constraints}`

function threatsOf(cells: readonly CellOutcomes[]): ThreatKey[] {
  const seen = new Map<string, ThreatKey>()
  for (const { cell } of cells) {
    const threat = threatKey(cell.threat)
    seen.set(textOf(threat), threat)
  }
  return [...seen.values()].sort((a, b) => a.epsilon - b.epsilon)
}

const matches =
  (threat: ThreatKey) =>
  ({ cell }: CellOutcomes): boolean =>
    textOf(threatKey(cell.threat)) === textOf(threat)

/** Per sample, whether it stood every attack of these cells; only samples that all of them have. */
function worstCase(cells: readonly CellOutcomes[]): Map<number, boolean> {
  const robust = new Map<number, boolean>()
  const seen = new Map<number, number>()
  for (const { outcomes } of cells)
    for (const outcome of outcomes) {
      seen.set(outcome.sample, (seen.get(outcome.sample) ?? 0) + 1)
      robust.set(outcome.sample, (robust.get(outcome.sample) ?? true) && isRobust(outcome))
    }
  for (const [sample, times] of seen) if (times < cells.length) robust.delete(sample)
  return robust
}

/** Clean predictions are the same in every cell; the one with most samples speaks. */
function cleanRight(cells: readonly CellOutcomes[]): Map<number, boolean> {
  const fullest = cells.toSorted((a, b) => b.outcomes.length - a.outcomes.length)[0]
  return new Map(fullest?.outcomes.map((outcome) => [outcome.sample, isRight(outcome)]))
}

/** A version that is poisoned only has no accuracy of its own: what is measured is trained anew. */
function versionView(
  version: string,
  cells: readonly CellOutcomes[],
  { manifest }: RunRecord,
): VersionView {
  const own = cells.filter(({ cell }) => cell.model.version === version)
  const clean = [...cleanRight(own).values()]
  const models = (manifest['models'] ?? []) as readonly ModelSpec[]
  const model = own[0]?.cell.model ?? models.find((one) => one.version === version)
  return {
    version,
    path: model?.path ?? '',
    digest: model?.digest ?? '',
    cleanAccuracy: wilson(count(clean, Boolean), clean.length),
    worstCase: threatsOf(own).map((threat) => {
      const robust = [...worstCase(own.filter(matches(threat))).values()]
      return { ...threat, robustAccuracy: wilson(count(robust, Boolean), robust.length) }
    }),
    approximations: [...new Set(own.flatMap(({ notes }) => notes.filter(isApproximation)))],
  }
}

/** Clean accuracy, the worst case at each threat, and each attack: on the samples both versions have. */
function compareVersions(
  cells: readonly CellOutcomes[],
  baseline: string,
  candidate: string,
): ComparisonView[] {
  const [before, after] = [baseline, candidate].map((version) =>
    cells.filter(({ cell }) => cell.model.version === version),
  ) as [CellOutcomes[], CellOutcomes[]]
  const pair = (
    what: string,
    a: ReadonlyMap<number, boolean>,
    b: ReadonlyMap<number, boolean>,
    threat?: ThreatKey,
  ): Omit<ComparisonView, 'pAdjusted'>[] => {
    const shared = [...a.keys()].filter((sample) => b.has(sample))
    if (shared.length === 0) return []
    const [left, right] = [a, b].map((map) => shared.map((sample) => map.get(sample)!)) as [
      boolean[],
      boolean[],
    ]
    return [
      {
        baseline,
        candidate,
        what,
        ...threat,
        baselineValue: wilson(count(left, Boolean), left.length),
        candidateValue: wilson(count(right, Boolean), right.length),
        difference: pairedDifference(pairCounts(left, right)),
      },
    ]
  }
  const threats = threatsOf(before)
  const rows = [
    ...pair('clean accuracy', cleanRight(before), cleanRight(after)),
    ...threats.flatMap((threat) =>
      pair(
        'worst case',
        worstCase(before.filter(matches(threat))),
        worstCase(after.filter(matches(threat))),
        threat,
      ),
    ),
    ...threats.flatMap((threat) =>
      before.filter(matches(threat)).flatMap((cell) => {
        const other = after.filter(matches(threat)).find((one) => sameAttack(one, cell))
        return other
          ? pair(cell.cell.attack.label, worstCase([cell]), worstCase([other]), threat)
          : []
      }),
    ),
  ]
  const adjusted = holm(rows.map((row) => row.difference.pWorse))
  return rows.map((row, i) => ({ ...row, pAdjusted: adjusted[i]! }))
}

function sameAttack({ cell: a }: CellOutcomes, { cell: b }: CellOutcomes): boolean {
  return canonicalJson([a.attack, a.threat]) === canonicalJson([b.attack, b.threat])
}

/** Pictures shown per version. */
const picturesPerVersion = 6

/**
 * The worst samples: fooled at the smallest epsilon. Those that the version before withstood come first,
 * because they are what a regression looks like.
 */
function pictures(
  cells: readonly CellOutcomes[],
  dataset: Dataset,
  examples: ReadonlyMap<string, readonly Example[]>,
): PictureView[] {
  const nameOf = (label: number): string => dataset.classNames?.[label] ?? String(label)
  const versions = versionsOf(cells)
  return versions.flatMap((version, i) => {
    const own = cells
      .filter(({ cell }) => cell.model.version === version)
      .sort((a, b) => a.cell.threat.epsilon - b.cell.threat.epsilon)
    const stoodBefore = (one: CellOutcomes, sample: number): boolean =>
      cells.some(
        (other) =>
          other.cell.model.version === versions[i - 1] &&
          sameAttack(other, one) &&
          other.outcomes.some((outcome) => outcome.sample === sample && isRobust(outcome)),
      )
    const candidates = own.flatMap((one) =>
      (examples.get(one.cell.id) ?? []).flatMap((example) => {
        const outcome = one.outcomes.find((each) => each.sample === example.sample)
        if (!outcome?.success) return []
        return [{ one, example, outcome, isNew: i > 0 && stoodBefore(one, example.sample) }]
      }),
    )
    const ordered = [
      ...candidates.filter(({ isNew }) => isNew),
      ...candidates.filter(({ isNew }) => !isNew),
    ]
    const shown = new Set<number>()
    return ordered
      .filter(({ example }) => !shown.has(example.sample) && shown.add(example.sample))
      .slice(0, picturesPerVersion)
      .map(({ one, example, outcome }): PictureView => ({
        version,
        label: one.cell.attack.label,
        ...threatKey(one.cell.threat),
        sample: example.sample,
        trueClass: nameOf(outcome.label),
        cleanClass: nameOf(outcome.cleanPrediction),
        adversarialClass: nameOf(outcome.adversarialPrediction),
        distance: outcome.distance,
        shape: dataset.shape,
        range: dataset.range,
        clean: takeSamples(dataset, [example.sample]),
        adversarial: example.xAdv,
      }))
  })
}

function problemsOf(cells: readonly CellOutcomes[]): string[] {
  return cells.flatMap(({ cell, failures, complete, tasksDone }) => {
    if (complete) return []
    const missing = cell.tasks.length - tasksDone - failures.length
    return [
      ...failures.map((failure) => `${cell.id}: ${failure.kind}: ${failure.message}`),
      ...(missing > 0 ? [`${cell.id}: ${missing} of ${cell.tasks.length} tasks did not run`] : []),
    ]
  })
}
