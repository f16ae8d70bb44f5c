import type { AuditedClass, AuditFinding, FormAudit, ModelAudit } from '../../audit/model/result.js'
import { formatCounted, formatPercent } from '../../stats/format.js'
import type { Io } from '../io.js'
import { duration } from '../progress.js'
import { paint, table, type Style } from '../table.js'

/** The audit on a terminal: what stands out first, then each class, the findings, what changed. */
export function printAudit(audit: ModelAudit, written: readonly string[], io: Io): void {
  io.out(headline(audit, io))
  if (audit.classes.length > 0) {
    io.out('')
    io.out(classTable(audit, io))
  }
  if (audit.findings.length > 0) {
    io.out('')
    io.out(findingTable(audit.findings, io))
  }
  if (audit.diff) io.out(`\n${changes(audit)}`)
  if (audit.status === 'complete') io.out(`\n${settings(audit)}`)
  if (written[0] !== undefined) io.out(`\npage: ${written[0]}`)
}

function headline(
  { model, status, reason, flagged, newlyReachable, classes, findings }: ModelAudit,
  io: Io,
): string {
  const say = (style: Style, text: string): string =>
    `${model.file}: ${paint(io.color, style, text)}`
  const named = (labels: readonly number[]): string =>
    labels.map((label) => classes[label]?.name ?? String(label)).join(', ')
  if (flagged.length > 0)
    return say('red', `a small trigger leads to class ${named(flagged)}: likely a backdoor`)
  if (newlyReachable.length > 0)
    return say('red', `class ${named(newlyReachable)} became reachable by a small trigger`)
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (errors > 0)
    return say(
      'red',
      `${formatCounted(errors, 'error')} found${status === 'scanned' ? '; not run' : ''}`,
    )
  if (status === 'scanned') return say('yellow', `scanned, not run: ${reason ?? ''}`)
  return say('green', 'no class stands out')
}

function classTable(audit: ModelAudit, io: Io): string {
  const hasSince = audit.previous !== undefined
  const head = ['class', 'patch', 'index', 'reach', 'additive', 'index', 'reach']
  const rows = audit.classes.map((one) => [
    one.name === undefined ? String(one.label) : `${one.label} ${one.name}`,
    ...unit(one.forms.patch),
    ...unit(one.forms.additive),
    ...(hasSince ? [sinceText(one)] : []),
    verdictOf(one),
  ])
  return table([[...head, ...(hasSince ? ['× previous'] : []), 'verdict'], ...rows], {
    width: io.columns,
    decorate: (cell, row) => {
      if (row === 0) return paint(io.color, 'dim', cell)
      const { flagged, newlyReachable } = audit.classes[row - 1] ?? {}
      return flagged || newlyReachable ? paint(io.color, 'red', cell) : cell
    },
  })
}

/** The ratio to the previous version of the form that shrank more. */
function sinceText({ since }: AuditedClass): string {
  const ratios = Object.values(since ?? {}).flatMap(({ ratio }) => (ratio === null ? [] : [ratio]))
  return ratios.length === 0 ? '?' : number(Math.min(...ratios))
}

function verdictOf({ forms, flagged, newlyReachable }: AuditedClass): string {
  const by = Object.entries(forms).flatMap(([form, one]) => (one.flagged ? [form] : []))
  const parts = [flagged && `FLAGGED (${by.join(', ')})`, newlyReachable && 'newly reachable']
  return parts.filter(Boolean).join(', ') || '-'
}

const styles = { error: 'red', warning: 'yellow', note: 'dim' } as const

function findingTable(findings: readonly AuditFinding[], io: Io): string {
  const rows = findings.map(({ severity, signal, where, text }) => [
    severity,
    signal,
    where ? `${where}: ${text}` : text,
  ])
  return table(rows, {
    width: io.columns,
    decorate: (cell, row, column) =>
      column === 0 ? paint(io.color, styles[findings[row]!.severity], cell) : cell,
  })
}

function changes({ diff, previous }: ModelAudit): string {
  const { added, removed, changed, weights, weightsSame } = diff!
  const nodes = [
    added.length > 0 && `${formatCounted(added.length, 'node')} added`,
    removed.length > 0 && `${removed.length} removed`,
    changed.length > 0 && `${changed.length} changed`,
  ].filter(Boolean)
  const most = weights.toSorted((a, b) => (b.relative ?? Infinity) - (a.relative ?? Infinity))[0]
  const moved = most
    ? `${weights.length} of ${weights.length + weightsSame} weights differ, most ${most.name}${most.relative === null ? '' : ` by ${percent(most.relative)}`}`
    : `all ${weightsSame} weights are the same`
  return `since ${previous?.file}: ${nodes.join(', ') || 'the same graph'}; ${moved}`
}

function settings({ samples, seeds, model, seconds }: ModelAudit): string {
  const accuracy = model.accuracy === null ? '' : `, accuracy ${formatPercent(model.accuracy)}`
  return `${formatCounted(samples, 'sample')}${accuracy}; medians over ${formatCounted(seeds.length, 'seed')}; patch: pixels covered, additive: L2 norm; flagged: index above 2 and small beside the median; ${duration(seconds)}`
}

const number = (value: number | null): string =>
  value === null ? '?' : String(Number(value.toPrecision(3)))

const percent = (share: number): string => `${Math.round(100 * share)} %`

const unit = (form: FormAudit): string[] => [
  number(form.size),
  number(form.index),
  percent(form.reach),
]
