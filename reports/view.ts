import type { RuleResult, Verdict } from '../src/gate/types.js'
import type { ComparisonView, RunReport, VersionView } from '../src/reporter.js'
import type { PairedDifference, Proportion } from '../src/stats/types.js'
import type { Norm } from '../src/threat/threat-model.js'
import { formatCounted, formatPoints } from '../src/stats/format.js'
import { shortApproximations } from '../src/util/approximation.js'
import { formatThreat } from './text.js'

/** Facts that every format derives from a report in the same way. */

export interface Threat {
  readonly norm: Norm
  readonly epsilon: number
  readonly constraints?: string | undefined
}

/** Whether a row is about this threat; none is about none. */
export function isAt(
  row: { readonly [part in keyof Threat]?: Threat[part] | undefined },
  threat: Threat | undefined,
): boolean {
  return (
    threat !== undefined &&
    row.norm === threat.norm &&
    row.epsilon === threat.epsilon &&
    (row.constraints ?? '') === (threat.constraints ?? '')
  )
}

/** Threats that differ in epsilon only. */
export type Family = Omit<Threat, 'epsilon'>

export const isOf = (row: Family, family: Family): boolean =>
  row.norm === family.norm && (row.constraints ?? '') === (family.constraints ?? '')

/** Epsilons of one family over all versions, ascending, each once. */
export function epsilonsOf(report: RunReport, family: Family): number[] {
  const rows = report.versions.flatMap((version) => version.worstCase)
  const epsilons = rows.filter((row) => isOf(row, family)).map((row) => row.epsilon)
  return [...new Set(epsilons)].sort((a, b) => a - b)
}

export function familiesOf(report: RunReport): Family[] {
  const rows = report.versions.flatMap((version) => version.worstCase)
  return rows
    .filter((row, i) => rows.findIndex((other) => isOf(other, row)) === i)
    .map(({ norm, constraints }) => ({ norm, ...(constraints ? { constraints } : {}) }))
}

/** The threat whose numbers stand on the first screen. Undefined when nothing was attacked. */
export function mainThreat(report: RunReport): Threat | undefined {
  if (report.mainThreat) return report.mainThreat
  const [family] = familiesOf(report)
  if (family === undefined) return undefined
  const ladder = epsilonsOf(report, family)
  const epsilon = ladder[Math.floor(ladder.length / 2)]
  return epsilon === undefined ? undefined : { ...family, epsilon }
}

export function robustAccuracyAt(
  version: VersionView,
  threat: Threat | undefined,
): Proportion | undefined {
  return version.worstCase.find((row) => isAt(row, threat))?.robustAccuracy
}

/** `gradients of v2 are approximated: straight-through at 53 QuantizeLinear`, for each version of which it is so. */
export function approximationLines({ versions }: RunReport): string[] {
  return versions.flatMap(({ version, approximations }) => {
    const short = shortApproximations(approximations)
    return short === '' ? [] : [`gradients of ${version} are approximated: ${short}`]
  })
}

/** What the interval supports: a change in one direction, or none. */
export type Direction = 'worse' | 'better' | 'unclear'

export function directionOf(difference: PairedDifference): Direction {
  if (difference.high < 0) return 'worse'
  return difference.low > 0 ? 'better' : 'unclear'
}

/** Comparisons by (baseline, candidate), in the report's order. */
export function comparisonPairs(
  report: RunReport,
): { baseline: string; candidate: string; rows: ComparisonView[] }[] {
  const pairs = new Map<string, { baseline: string; candidate: string; rows: ComparisonView[] }>()
  for (const row of report.comparisons) {
    const key = JSON.stringify([row.baseline, row.candidate])
    const pair = pairs.get(key) ?? { baseline: row.baseline, candidate: row.candidate, rows: [] }
    pair.rows.push(row)
    pairs.set(key, pair)
  }
  return [...pairs.values()]
}

/** The row that says how `candidate` changed in clean accuracy, or in the worst case at `threat`. */
export function changeOf(
  report: RunReport,
  candidate: string,
  what: 'clean accuracy' | 'worst case',
  threat?: Threat,
): ComparisonView | undefined {
  const rows = report.comparisons.filter(
    (row) =>
      row.candidate === candidate &&
      row.what === what &&
      (what === 'clean accuracy' || isAt(row, threat)),
  )
  // Compared with several: the gate's baseline is the one the verdict speaks of.
  const judged = report.gate?.candidate === candidate ? report.gate.baseline : null
  return rows.find((row) => row.baseline === judged) ?? rows.at(-1)
}

export type RuleState = Verdict | 'warning' | 'waived' | 'off'

/** How a rule counts: only `fail` and `inconclusive` stand against the candidate. */
export function ruleState(rule: RuleResult): RuleState {
  if (rule.level === 'off') return 'off'
  if (rule.verdict === 'pass') return 'pass'
  if (rule.waived) return 'waived'
  return rule.level === 'warn' ? 'warning' : rule.verdict
}

export interface Headline {
  /** `none`: the run has no gate. */
  readonly verdict: Verdict | 'none'
  /** `FAIL`, in capitals. */
  readonly badge: string
  /** `v2 fails 2 of 4 gate rules`. */
  readonly title: string
  /** How the last version changed, in a sentence; undefined without a comparison. */
  readonly change: string | undefined
  /** Rules that stand against the candidate: failing first, then inconclusive. */
  readonly against: readonly RuleResult[]
  readonly others: readonly RuleResult[]
}

export function headlineOf(report: RunReport): Headline {
  const rules = report.gate?.rules ?? []
  const failing = rules.filter((rule) => ruleState(rule) === 'fail')
  const open = rules.filter((rule) => ruleState(rule) === 'inconclusive')
  const against = [...failing, ...open]
  const candidate = report.gate?.candidate ?? report.versions.at(-1)?.version
  return {
    verdict: report.gate?.verdict ?? 'none',
    badge: report.gate?.verdict.toUpperCase() ?? 'NO GATE',
    title: titleOf(report, failing.length, open.length),
    change: candidate === undefined ? undefined : changeSentence(report, candidate),
    against,
    others: rules.filter((rule) => !against.includes(rule)),
  }
}

function titleOf(report: RunReport, failing: number, open: number): string {
  const { gate } = report
  if (!gate) return 'Numbers only: this run has no gate rules'
  const active = gate.rules.filter((rule) => rule.level !== 'off').length
  if (gate.rules.some(({ kind }) => kind === 'self-audit'))
    return `The evaluation is not valid: nothing is said about ${gate.candidate}`
  switch (gate.verdict) {
    case 'pass':
      return `${gate.candidate} passes the gate: ${formatCounted(active, 'rule')}, none against it`
    case 'fail':
      if (failing === 0) return `${gate.candidate} fails the gate`
      return `${gate.candidate} fails ${failing} of ${formatCounted(active, 'gate rule')}`
    case 'inconclusive':
      return open === 0
        ? `Nothing can be said about ${gate.candidate}: this is not a pass`
        : `${gate.candidate}: ${open} of ${formatCounted(active, 'gate rule')} cannot be decided; this is not a pass`
  }
}

function changeSentence(report: RunReport, candidate: string): string | undefined {
  const threat = mainThreat(report)
  const clean = changeOf(report, candidate, 'clean accuracy')
  const robust = threat && changeOf(report, candidate, 'worst case', threat)
  const parts = [
    clean && `clean accuracy ${changeWords(clean.difference)}`,
    robust &&
      threat &&
      `robust accuracy at ${formatThreat(threat)} ${changeWords(robust.difference)}`,
  ].filter((part) => part !== undefined)
  const baseline = clean?.baseline ?? robust?.baseline
  return parts.length === 0 ? undefined : `Against ${baseline}: ${parts.join(', ')}.`
}

/** `down 39.8 pp`, `up 1.6 pp`, `without a clear change (+0.4 pp)`. */
function changeWords(difference: PairedDifference): string {
  const direction = directionOf(difference)
  if (direction === 'unclear')
    return `without a clear change (${formatPoints(difference.estimate)})`
  const size = formatPoints(Math.abs(difference.estimate)).replace(/^\+/, '')
  return `${direction === 'worse' ? 'down' : 'up'} ${size}`
}

/** What is missing from the run, as a clause: `run is incomplete, 1 of 18 cells lacking samples, 1 problem`. Undefined when nothing is. */
export function missingFrom({ status, cells, poisoning, problems }: RunReport): string | undefined {
  const poisoned = poisoning?.cells ?? []
  const short = poisoned.filter((cell) => !cell.complete).length
  const partial = cells.filter((cell) => !cell.complete).length
  const parts = [
    status === 'complete' ? undefined : `run ${status === 'interrupted' ? 'was' : 'is'} ${status}`,
    partial > 0
      ? `${partial} of ${formatCounted(cells.length, 'cell')} lacking samples`
      : undefined,
    short > 0
      ? `${short} of ${formatCounted(poisoned.length, 'cell')} of poisons lacking trials`
      : undefined,
    problems.length > 0 ? formatCounted(problems.length, 'problem') : undefined,
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : parts.join(', ')
}
