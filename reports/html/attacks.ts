import type { CellView, RunReport } from '../../src/reporter.js'
import { formatCount, formatPercent, formatSharePlain } from '../../src/stats/format.js'
import { isApproximation } from '../../src/util/approximation.js'
import type { Proportion } from '../../src/stats/types.js'
import { incompleteText, shareRange } from '../text.js'
import { seriesColour, shareBar } from './interval.js'
import { markup, type Markup } from './markup.js'
import { filterBox, framed, underThreat } from './tables.js'

/** One row per version, attack and threat. */
export function attackTable(report: RunReport): Markup {
  const { cells } = report
  if (cells.length === 0) return markup`<p class="muted">No attack ran.</p>`
  const confidence = formatSharePlain(cells[0]?.robustAccuracy.confidence ?? 0.95)
  const withNotes = cells.some((cell) => notesOf(cell).length > 0)
  return markup`${filterBox('attacks', cells.length)}${framed(
    'Results per attack',
    markup`<table id="attacks" data-sortable><caption><span>Robust accuracy: right and not fooled, of all samples. Attack success: fooled, of those right before. Ranges are Wilson ${confidence} intervals.</span></caption>
<thead><tr><th scope="col">Version</th><th scope="col">Attack</th><th scope="col" class="n">Robust accuracy</th><th scope="col" class="n">Attack success</th><th scope="col" class="n">Samples</th>${withNotes && markup`<th scope="col">Notes</th>`}</tr></thead>
<tbody>${cells.map((cell) => attackRow(report, cell, withNotes))}</tbody></table>`,
  )}`
}

function attackRow(report: RunReport, cell: CellView, withNotes: boolean): Markup {
  return markup`<tr${!cell.complete && markup` class="partial"`} style="--series:${seriesColour(report, cell.version)}"><th scope="row">${cell.version}</th><td>${underThreat(cell.label, cell)}</td>${shareCell(cell.robustAccuracy)}${shareCell(cell.attackSuccess)}<td class="n" data-sort="${cell.samples}">${formatCount(cell.samples)}</td>${withNotes && markup`<td class="notes">${notesOf(cell).join('; ')}</td>`}</tr>`
}

function notesOf(cell: CellView): string[] {
  return [
    ...(cell.complete ? [] : [incompleteText(cell)]),
    ...cell.notes.filter((note) => !isApproximation(note)),
  ]
}

/** Bar, estimate and interval in one cell that sorts by the estimate. */
function shareCell(share: Proportion): Markup {
  if (share.trials === 0) return markup`<td class="n" data-sort="-1">no data</td>`
  return markup`<td class="n" data-sort="${share.estimate}"><span class="measure">${shareBar(share)}<span class="value">${formatPercent(share.estimate)}</span> <span class="ci">${shareRange(share)}</span></span></td>`
}
