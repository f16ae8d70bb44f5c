import type {
  ControlResult,
  DataAudit,
  DetectorResult,
  DetectorStatus,
} from '../../audit/data/result.js'
import { formatPercent, formatSharePlain } from '../../stats/format.js'
import type { Io } from '../io.js'
import { duration } from '../progress.js'
import { paint, table, type Style } from '../table.js'

const styles: Readonly<Record<DetectorStatus, Style>> = {
  used: 'green',
  unchecked: 'yellow',
  void: 'red',
  'not applicable': 'dim',
}
const shown = 10

/** The audit for people. */
export function printDataAudit(audit: DataAudit, written: readonly string[], io: Io): void {
  const head = ['detector', 'flagged', 'threshold', 'on the control', 'verdict', 'why']
  const rows = audit.detectors.map(rowOf)
  const verdict = head.indexOf('verdict')
  if (rows.length > 0)
    io.out(
      table([head, ...rows], {
        width: io.columns,
        decorate(text, row, column) {
          if (row === 0) return paint(io.color, 'dim', text)
          const { status } = audit.detectors[row - 1]!
          return column === verdict ? paint(io.color, styles[status], text) : text
        },
      }),
    )
  printVersions(audit, io)
  printSuspects(audit, io)
  const rate = formatSharePlain(audit.falsePositiveRate)
  io.out(
    `${audit.samples} samples, ${audit.suspects.length} suspects; stated false-positive rate ${rate}; features: ${audit.model ?? 'none'}; ${duration(audit.seconds)}`,
  )
  if (audit.detectors.some(({ control }) => control && control.kind !== 'file'))
    io.out(
      'controls were made from the data themselves: normal features or redrawn labels show that a threshold is right for such data, not that yours are such; name trusted data with --control',
    )
  for (const path of written) io.out(`wrote ${path}`)
}

function rowOf(one: DetectorResult): string[] {
  const { id, flagged, judged, threshold, control, status, why } = one
  const share = judged > 0 ? ` (${formatPercent(flagged / judged)})` : ''
  return [
    id,
    `${flagged}${share}`,
    threshold === null ? '–' : threshold.toFixed(2),
    control ? controlText(control) : '–',
    status,
    why ?? '',
  ]
}

const controlText = ({ flagged, rate, kind }: ControlResult): string =>
  `${flagged} (${formatPercent(rate)}), ${kind}`

function printVersions({ versions }: DataAudit, io: Io): void {
  if (!versions) return
  const { previous, kept, moved, added, removed, relabelled, duplicates } = versions
  io.out(
    `since ${previous}: ${added} added, ${removed} removed, ${relabelled} relabelled, ${kept} kept (${moved} at another place); ${duplicates} repeat another sample`,
  )
}

function printSuspects({ suspects, classNames }: DataAudit, io: Io): void {
  if (suspects.length === 0) return
  const rows = suspects.slice(0, shown).map(({ rank, index, label, flags }) => {
    const reasons = flags.map(({ detector, reason }) => `${detector}: ${reason}`)
    return [String(rank), String(index), classNames?.[label] ?? String(label), reasons.join('; ')]
  })
  io.out(
    table([['rank', 'sample', 'label', 'reasons'], ...rows], {
      width: io.columns,
      decorate: (text, row) => (row === 0 ? paint(io.color, 'dim', text) : text),
    }),
  )
  if (suspects.length > shown) io.out(`… and ${suspects.length - shown} more: --out FILE`)
}
