import type { AuditView, RunReport } from '../../src/reporter.js'
import { formatCounted, formatPercent } from '../../src/stats/format.js'
import { formatNumber } from '../text.js'
import { markup, type Markup } from './markup.js'
import { framed } from './tables.js'

/** Which classes of each version a small trigger reaches; undefined where no file was examined. */
export function auditSection({ audits }: RunReport): Markup | undefined {
  if (!audits || audits.length === 0) return undefined
  return markup`${audits.map(auditTable)}`
}

function auditTable(view: AuditView): Markup {
  const { version, classes, samples, seeds, findings } = view
  return markup`<h3>${version} <span class="muted">${headOf(view)}</span></h3>
${
  classes.length > 0 &&
  framed(
    `Backdoor audit of ${version}`,
    markup`<table data-sortable><caption><span>The smallest trigger that sends samples of other classes to each class, of ${formatCounted(samples, 'clean sample')} and ${formatCounted(seeds, 'seed')}; size as a share of the median of all classes.</span></caption>
<thead><tr><th scope="col">Class</th><th scope="col">Trigger</th><th scope="col" class="n">Size, of the median</th><th scope="col" class="n">Anomaly index</th><th scope="col" class="n">Samples sent there</th><th scope="col" class="n">Suspicious seeds</th></tr></thead>
<tbody>${classes.map(
      (one) =>
        markup`<tr${one.isFlagged && markup` class="key"`}><th scope="row">${one.name}${one.isFlagged && markup` <span class="chip worse">flagged</span>`}</th><td>${one.form}</td>${numberCell(one.ratio)}${numberCell(one.index)}<td class="n" data-sort="${one.reach}">${formatPercent(one.reach)}</td><td class="n" data-sort="${one.flaggedSeeds}">${one.flaggedSeeds} of ${seeds}</td></tr>`,
    )}</tbody></table>`,
  )
}
${findings.length > 0 && markup`<ul>${findings.map(({ signal, where, text }) => markup`<li><code>${signal}</code> ${where && `${where}: `}${text}</li>`)}</ul>`}`
}

function headOf({ isComplete, reason, flagged, classes }: AuditView): string {
  if (!isComplete) return `scanned only: ${reason ?? ''}`
  return `${flagged.length} of ${formatCounted(classes.length, 'class', 'classes')} flagged`
}

function numberCell(value: number | null): Markup {
  return markup`<td class="n" data-sort="${value ?? -1}">${value === null ? 'not finite' : formatNumber(value)}</td>`
}
