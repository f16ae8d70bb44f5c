import { stringify } from 'csv-stringify/sync'
import type { DataAudit } from '../../src/audit/data/result.js'
import { guardText, plainNumber } from '../csv.js'

const columns = [
  'rank', 'index', 'label', 'class', 'detectors', 'detector', 'score', 'threshold', 'reason',
] as const // prettier-ignore

/** One row for each suspect and detector that flags it, most suspect first. */
export function dataAuditCsv({ suspects, classNames }: DataAudit): string {
  const rows = suspects.flatMap(({ rank, index, label, flags }) =>
    flags.map((flag) => ({
      rank,
      index,
      label,
      class: classNames?.[label] ?? '',
      detectors: flags.length,
      ...flag,
    })),
  )
  return stringify(rows, {
    header: true,
    columns: [...columns],
    cast: { string: guardText, number: plainNumber },
  })
}
