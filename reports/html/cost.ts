import type { CellView, RunReport } from '../../src/reporter.js'
import { formatCount, formatCounted, formatPercent } from '../../src/stats/format.js'
import { formatSeconds, formatThreat } from '../text.js'
import { markup, type Markup } from './markup.js'
import { framed } from './tables.js'

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
  return framed(
    'Cost',
    markup`<table data-sortable><caption><span>Summed over ${formatCounted(new Set(cells.map(formatThreat)).size, 'threat')}. Seconds are worker time; the last column is the part of it spent inside ONNX Runtime.</span></caption>
<thead><tr><th scope="col">Version</th><th scope="col">Attack</th><th scope="col" class="n">Gradients</th><th scope="col" class="n">Queries</th><th scope="col" class="n">Seconds</th><th scope="col" class="n">In runtime</th></tr></thead>
<tbody>${rows.map((row) => markup`<tr><th scope="row">${row.version}</th><td>${row.label}</td>${numberCells(row)}</tr>`)}</tbody>
${total && markup`<tfoot><tr><th scope="row" colspan="2">All</th>${numberCells(total)}</tr></tfoot>`}</table>`,
  )
}

function numberCells(cost: Cost): Markup {
  return markup`<td class="n" data-sort="${cost.gradients}">${formatCount(cost.gradients)}</td><td class="n" data-sort="${cost.queries}">${formatCount(cost.queries)}</td><td class="n" data-sort="${cost.seconds}">${formatSeconds(cost.seconds)}</td><td class="n" data-sort="${runtimeShare(cost)}">${cost.seconds > 0 ? formatPercent(runtimeShare(cost)) : '–'}</td>`
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
