import type { RuleResult } from '../src/gate/types.js'
import type { CellView, ComparisonView, Reporter, RunReport } from '../src/reporter.js'
import { formatCounted, formatPercent, formatPoints } from '../src/stats/format.js'
import {
  isVoid,
  signalsOf,
  signalText,
  spokenTrust,
  trustSubject,
  trustText,
  voidText,
} from './trust.js'
import { formatSeconds, formatThreat, pMeaning, pNumber, shareRange } from './text.js'
import { ansi, columns, cut, plain, wrap, type Paint } from './console/layout.js'
import { poisonLines } from './console/poisoning.js'
import {
  isAt,
  approximationLines,
  comparisonPairs,
  directionOf,
  headlineOf,
  mainThreat,
  missingFrom,
  ruleState,
  type RuleState,
} from './view.js'

/** Of the comparison table: the only column in colour. */
const changeColumn = 4
const longestName = 9
const problemsShown = 3
const changeStyle = { worse: 'red', better: 'green', unclear: undefined } as const
const verdictStyle = { pass: 'green', fail: 'red', inconclusive: 'yellow', none: 'dim' } as const

export interface ConsoleOptions {
  /** ANSI colours; default false. */
  readonly color?: boolean | undefined
  /** Columns of the terminal; default 80, at least 60. */
  readonly width?: number | undefined
  /** Lines in all, reasons included; default 24. `Infinity` prints every row. */
  readonly maxLines?: number | undefined
}

/** The plain-text form as a file; the command line prints `renderConsole` in colour. */
export const consoleText: Reporter = {
  id: 'console',
  fileName: 'summary.txt',
  describe: 'what the terminal shows: verdict, reasons, comparison',
  render: async (report) => `${renderConsole(report, { width: 100, maxLines: Infinity })}\n`,
}

/** Verdict with its reasons, then the comparison, as lines of at most `width` columns; no final newline. */
export function renderConsole(report: RunReport, options: ConsoleOptions = {}): string {
  const width = Math.max(60, options.width ?? 80)
  const paint = options.color ? ansi : plain
  const head = renderGate(report, { ...options, width })
  const room = (options.maxLines ?? 24) - head.split('\n').length - 1
  const { poisoning } = report
  // What is poisoned only has no accuracy of its own.
  const attacks =
    poisoning && report.cells.length === 0
      ? []
      : report.comparisons.length > 0
        ? comparisonLines(report, width, room, paint)
        : cellLines(report, width, room, paint)
  const left = room - attacks.length - 1
  const poisons = poisoning ? fit(poisonLines(poisoning, width, paint), left, 'poison') : []
  const gap = attacks.length > 0 && poisons.length > 0 ? [''] : []
  return [head, '', ...attacks, ...gap, ...poisons].join('\n')
}

/** The verdict and the rules alone: what `gauntlet gate` prints. */
export function renderGate(report: RunReport, options: ConsoleOptions = {}): string {
  const width = Math.max(60, options.width ?? 80)
  const paint = options.color ? ansi : plain
  const { verdict, badge, title, change, against, others } = headlineOf(report)
  const quiet = others.filter((rule) => ['pass', 'off'].includes(ruleState(rule)))
  const spoken = [...against, ...others.filter((rule) => !quiet.includes(rule))]
  const lines = [
    ...wrap(`${badge}  ${title}`, width, '').map((line, i) =>
      i === 0 ? line.replace(badge, paint(verdictStyle[verdict], badge)) : line,
    ),
    ...(change === undefined ? [] : wrap(change, width, '')),
    ...spoken.flatMap((rule) => ruleLines(rule, width, paint)),
    ...(quiet.length === 0 ? [] : wrap(`✓ ${passedText(quiet)}`, width, '  ')),
    ...problemLines(report, width, paint),
    ...trustLines(report, width, paint),
    ...approximationLines(report).flatMap((line) => wrap(`~ ${line}`, width, '  ')),
  ]
  return lines.join('\n')
}

const signs: Readonly<Record<RuleState, string>> = {
  pass: '✓',
  fail: '✗',
  inconclusive: '?',
  warning: '!',
  waived: '~',
  off: '-',
}

function ruleLines(rule: RuleResult, width: number, paint: Paint): string[] {
  const state = ruleState(rule)
  const note =
    state === 'warning'
      ? 'warning only: '
      : rule.waived
        ? `waived until ${rule.waived.expires}: `
        : ''
  const lines = wrap(`${signs[state]} ${rule.id}: ${note}${rule.reason}`, width, '  ')
  const style = state === 'fail' ? 'red' : 'yellow'
  return lines.map((line, i) => (i === 0 ? paint(style, line.slice(0, 1)) + line.slice(1) : line))
}

function passedText(rules: readonly RuleResult[]): string {
  const passed = rules.filter((rule) => ruleState(rule) === 'pass').map((rule) => rule.id)
  const off = rules.length - passed.length
  return [
    passed.length > 0 && `${formatCounted(passed.length, 'rule')} passed: ${passed.join(', ')}`,
    off > 0 && `${off} off`,
  ]
    .filter(Boolean)
    .join('; ')
}

function problemLines(report: RunReport, width: number, paint: Paint): string[] {
  const missing = missingFrom(report)
  if (missing === undefined) return []
  const first = report.problems.slice(0, problemsShown)
  const more = report.problems.length - first.length
  return [
    ...wrap(`! numbers are of what was done: ${missing}`, width, '  ').map((line) =>
      paint('yellow', line),
    ),
    ...first.map((problem) => cut(`  ${problem}`, width)),
    ...(more > 0 ? [`  and ${formatCounted(more, 'more problem')}`] : []),
  ]
}

const trustStyle = { high: 'green', medium: 'yellow', low: 'yellow', void: 'red' } as const
const signalsShown = 3

function trustLines(report: RunReport, width: number, paint: Paint): string[] {
  return spokenTrust(report).flatMap((view) => {
    const signals = signalsOf(view.findings.filter(({ severity }) => severity !== 'note'))
    const more = signals.length - signalsShown
    return [
      ...wrap(`? trust in ${trustSubject(view)} is ${trustText(view)}`, width, '  ').map((line) =>
        paint(trustStyle[view.trust], line),
      ),
      ...signals
        .slice(0, signalsShown)
        .flatMap((signal) => wrap(`  ${signalText(signal)}`, width, '    ')),
      ...(more > 0 ? [`  and ${formatCounted(more, 'more signal')} in the report`] : []),
    ]
  })
}

function comparisonLines(report: RunReport, width: number, room: number, paint: Paint): string[] {
  const pairs = comparisonPairs(report)
  // The newest pair is the one that is judged; older ones follow while there is room.
  const lines = pairs
    .toReversed()
    .flatMap(({ baseline, candidate, rows }, i) => [
      ...(i === 0 ? [] : ['']),
      ...doubtLines(report, baseline, candidate, width, paint),
      ...comparisonTable(baseline, candidate, byImportance(report, rows), width, paint),
    ])
  const meaning = wrap(pMeaning('candidate'), width, '  ').map((line) => paint('dim', line))
  return [...fit(lines, room - meaning.length, 'comparison'), ...meaning]
}

/** Above a table of numbers that mean nothing. */
function doubtLines(
  report: RunReport,
  baseline: string,
  candidate: string,
  width: number,
  paint: Paint,
): string[] {
  const doubt = voidText(report, [baseline, candidate])
  return doubt === undefined ? [] : wrap(doubt, width, '  ').map((line) => paint('red', line))
}

/** Clean accuracy, then the worst cases, then attacks at the main threat, then the rest. */
function byImportance(report: RunReport, rows: readonly ComparisonView[]): ComparisonView[] {
  const main = mainThreat(report)
  const rank = (row: ComparisonView): number => {
    if (row.what === 'clean accuracy') return 0
    if (row.what === 'worst case') return 1
    return isAt(row, main) ? 2 : 3
  }
  return [...rows].sort((a, b) => rank(a) - rank(b))
}

function comparisonTable(
  baseline: string,
  candidate: string,
  rows: readonly ComparisonView[],
  width: number,
  paint: Paint,
): string[] {
  const names = [baseline, candidate]
  // Cut names may look alike (`cifar_deep…`, `cifar_deep…`): long ones stand in full above the table.
  const isLong = names.some((name) => [...name].length > longestName)
  const head = [
    '',
    'threat',
    ...(isLong ? ['baseline', 'candidate'] : names),
    'change',
    'broken',
    'fixed',
    'p (Holm)',
  ]
  const body = rows.map((row) => [
    row.what,
    formatThreat(row),
    formatPercent(row.baselineValue.estimate),
    formatPercent(row.candidateValue.estimate),
    formatPoints(row.difference.estimate),
    String(row.difference.counts.newlyBroken),
    String(row.difference.counts.newlyFixed),
    pNumber(row.pAdjusted),
  ])
  const title = isLong ? wrap(names.join(' → '), width, '  ') : []
  const table = columns([head, ...body], width, (text, r, c) => {
    const row = rows[r - 1]
    if (!row) return paint('dim', text)
    const style = changeStyle[directionOf(row.difference)]
    return c === changeColumn && style ? paint(style, text) : text
  })
  return [...title, ...table]
}

function cellLines(report: RunReport, width: number, room: number, paint: Paint): string[] {
  const clean = report.versions.map(
    (v) =>
      `${v.version}${isVoid(report, v.version) ? ' (void)' : ''}: clean accuracy ${formatPercent(v.cleanAccuracy.estimate)} (${shareRange(v.cleanAccuracy)})`,
  )
  const head = ['', 'threat', 'robust accuracy', 'interval', 'fooled', 'time']
  const body = report.cells.map((cell: CellView) => [
    `${cell.version}, ${cell.label}${cell.complete ? '' : cell.samples === 0 ? ' (did not run)' : ' (incomplete)'}`,
    formatThreat(cell),
    formatPercent(cell.robustAccuracy.estimate),
    shareRange(cell.robustAccuracy),
    `${cell.attackSuccess.successes}/${cell.attackSuccess.trials}`,
    formatSeconds(cell.seconds),
  ])
  if (body.length === 0) return clean
  const lines = columns([head, ...body], width, (text, r) => (r === 0 ? paint('dim', text) : text))
  return fit([...clean.map((line) => cut(line, width)), ...lines], room, 'cell')
}

/** Cuts to `room` lines and says how many rows are left out. */
function fit(lines: readonly string[], room: number, noun: string): string[] {
  if (lines.length <= room) return [...lines]
  const kept = Math.max(2, room - 1)
  return [
    ...lines.slice(0, kept),
    `… ${formatCounted(lines.length - kept, `more ${noun} line`)} in the report`,
  ]
}
