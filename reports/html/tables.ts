import type { CellView, ComparisonView, RunReport } from '../../src/reporter.js'
import type { Proportion } from '../../src/stats/types.js'
import {
  formatCount,
  formatCounted,
  formatPercent,
  formatPoints,
  formatSharePlain,
} from '../../src/stats/format.js'
import { formatSeconds, formatThreat, pNumber, pointsRange, shareRange } from '../text.js'
import { comparisonPairs, directionOf } from '../view.js'
import { differenceBar, shareBar } from './interval.js'
import { markup, type Markup } from './markup.js'

/** A table in a frame that scrolls sideways on its own, so that the page never does. */
function framed(label: string, table: Markup): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${table}</div>`
}

function filterBox(table: string, rows: number): Markup {
  return markup`${rows > 8 && markup`<label class="filter" hidden>Show rows with <input type="search" data-filters="${table}" placeholder="e.g. pgd v2"></label>`}`
}

/** Estimate, interval and bar in one cell that sorts by the estimate. */
function shareCell(share: Proportion): Markup {
  if (share.trials === 0) return markup`<td class="n" data-sort="-1">no data</td>`
  return markup`<td class="n" data-sort="${share.estimate}"><span class="value">${formatPercent(share.estimate)}</span> <span class="ci">${shareRange(share)}</span>${shareBar(share)}</td>`
}

export function attackTable({ cells }: RunReport): Markup {
  if (cells.length === 0) return markup`<p class="muted">No attack ran.</p>`
  const confidence = formatSharePlain(cells[0]?.robustAccuracy.confidence ?? 0.95)
  return markup`${filterBox('attacks', cells.length)}${framed(
    'Results per attack',
    markup`<table id="attacks" data-sortable><caption>Each row is one attack on one version. In brackets: Wilson ${confidence} intervals.</caption>
<thead><tr><th scope="col">Version</th><th scope="col">Attack</th><th scope="col">Threat</th><th scope="col" class="n">Robust accuracy</th><th scope="col" class="n">Attack success</th><th scope="col" class="n">Samples</th><th scope="col">Notes</th></tr></thead>
<tbody>${cells.map(attackRow)}</tbody></table>`,
  )}`
}

function attackRow(cell: CellView): Markup {
  const notes = [
    ...(cell.complete ? [] : ['incomplete: numbers are of what was done']),
    ...cell.notes,
  ]
  return markup`<tr${cell.complete ? undefined : markup` class="partial"`}><th scope="row">${cell.version}</th><td>${cell.label}</td><td data-sort="${cell.epsilon}" class="nowrap">${formatThreat(cell)}</td>${shareCell(cell.robustAccuracy)}${shareCell(cell.attackSuccess)}<td class="n" data-sort="${cell.samples}">${formatCount(cell.samples)}</td><td class="notes">${notes.join('; ')}</td></tr>`
}

export function comparisonTables(report: RunReport): Markup {
  const pairs = comparisonPairs(report)
  if (pairs.length === 0)
    return markup`<p class="muted">One version only: there is nothing to compare it with.</p>`
  return markup`${pairs.map(({ baseline, candidate, rows }, i) => comparisonTable(baseline, candidate, rows, `comparison-${i}`))}`
}

function comparisonTable(
  baseline: string,
  candidate: string,
  rows: readonly ComparisonView[],
  id: string,
): Markup {
  const reach = Math.max(
    ...rows.map((row) => Math.max(-row.difference.low, row.difference.high)),
    0.05,
  )
  const confidence = formatSharePlain(rows[0]?.difference.confidence ?? 0.95)
  return markup`<h3>${baseline} → ${candidate}</h3>${filterBox(id, rows.length)}${framed(
    `${baseline} against ${candidate}`,
    markup`<table id="${id}" data-sortable><caption>The same samples on both versions. Robust accuracy unless the row says clean accuracy. Difference: Tango ${confidence} interval; p: one-sided exact McNemar that ${candidate} is worse, Holm-adjusted over the rows.</caption>
<thead><tr><th scope="col">What</th><th scope="col">Threat</th><th scope="col" class="n">${baseline}</th><th scope="col" class="n">${candidate}</th><th scope="col" class="n">Difference</th><th scope="col" class="n">Newly broken</th><th scope="col" class="n">Newly fixed</th><th scope="col" class="n">p (Holm)</th></tr></thead>
<tbody>${rows.map((row) => comparisonRow(row, reach))}</tbody></table>`,
  )}`
}

function comparisonRow(row: ComparisonView, reach: number): Markup {
  const { difference } = row
  const { newlyBroken, newlyFixed } = difference.counts
  const weight = row.what === 'worst case' || row.what === 'clean accuracy' ? 'key' : ''
  return markup`<tr class="${weight}"><th scope="row">${row.what}</th><td data-sort="${row.epsilon ?? 0}" class="nowrap">${formatThreat(row)}</td><td class="n" data-sort="${row.baselineValue.estimate}">${formatPercent(row.baselineValue.estimate)}</td><td class="n" data-sort="${row.candidateValue.estimate}">${formatPercent(row.candidateValue.estimate)}</td><td class="n" data-sort="${difference.estimate}"><span class="value ${directionOf(difference)}">${formatPoints(difference.estimate)}</span> <span class="ci">${pointsRange(difference)}</span>${differenceBar(difference, reach)}</td><td class="n">${formatCount(newlyBroken)}</td><td class="n">${formatCount(newlyFixed)}</td><td class="n" data-sort="${row.pAdjusted}">${pNumber(row.pAdjusted)}</td></tr>`
}

interface Cost {
  readonly version: string
  readonly label: string
  readonly gradients: number
  readonly queries: number
  readonly seconds: number
  readonly secondsInRuntime: number
}

export function costTable({ cells }: RunReport): Markup {
  if (cells.length === 0) return markup`<p class="muted">No attack ran.</p>`
  const rows = sumBy(cells, (cell) => JSON.stringify([cell.version, cell.label]))
  const total = sumBy(cells, () => '')[0]
  const numbers = (cost: Cost) =>
    markup`<td class="n" data-sort="${cost.gradients}">${formatCount(cost.gradients)}</td><td class="n" data-sort="${cost.queries}">${formatCount(cost.queries)}</td><td class="n" data-sort="${cost.seconds}">${formatSeconds(cost.seconds)}</td><td class="n" data-sort="${runtimeShare(cost)}">${cost.seconds > 0 ? formatPercent(runtimeShare(cost)) : '–'}</td>`
  return framed(
    'Cost',
    markup`<table data-sortable><caption>Summed over ${formatCounted(new Set(cells.map(formatThreat)).size, 'threat')}. Seconds are worker time; the last column is the part of it spent inside ONNX Runtime.</caption>
<thead><tr><th scope="col">Version</th><th scope="col">Attack</th><th scope="col" class="n">Gradients</th><th scope="col" class="n">Queries</th><th scope="col" class="n">Seconds</th><th scope="col" class="n">In runtime</th></tr></thead>
<tbody>${rows.map((row) => markup`<tr><th scope="row">${row.version}</th><td>${row.label}</td>${numbers(row)}</tr>`)}</tbody>
${total && markup`<tfoot><tr><th scope="row" colspan="2">All</th>${numbers(total)}</tr></tfoot>`}</table>`,
  )
}

function runtimeShare({ seconds, secondsInRuntime }: Cost): number {
  return seconds > 0 ? secondsInRuntime / seconds : 0
}

function sumBy(cells: readonly CellView[], keyOf: (cell: CellView) => string): Cost[] {
  const sums = new Map<string, Cost>()
  for (const cell of cells) {
    const key = keyOf(cell)
    const sum = sums.get(key)
    sums.set(key, {
      version: cell.version,
      label: cell.label,
      gradients: (sum?.gradients ?? 0) + cell.gradients,
      queries: (sum?.queries ?? 0) + cell.queries,
      seconds: (sum?.seconds ?? 0) + cell.seconds,
      secondsInRuntime: (sum?.secondsInRuntime ?? 0) + cell.secondsInRuntime,
    })
  }
  return [...sums.values()]
}
