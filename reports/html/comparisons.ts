import type { ComparisonView, RunReport } from '../../src/reporter.js'
import {
  formatCount,
  formatCounted,
  formatPercent,
  formatPoints,
  formatSharePlain,
} from '../../src/stats/format.js'
import type { Proportion } from '../../src/stats/types.js'
import { formatThreat, pMeaning, pNumber, pointsRange } from '../text.js'
import { voidText } from '../trust.js'
import { changeOf, comparisonPairs, directionOf, mainThreat } from '../view.js'
import { differenceBar } from './interval.js'
import { markup, type Markup } from './markup.js'
import { filterBox, framed, underThreat } from './tables.js'

/** One table per pair of versions. */
export function comparisonTables(report: RunReport): Markup {
  const pairs = comparisonPairs(report)
  if (pairs.length === 0)
    return markup`<p class="muted">Nothing to compare: fewer than two versions have results.</p>`
  return markup`${pairs.map(({ baseline, candidate, rows }, i) => comparisonTable({ baseline, candidate, rows, id: `comparison-${i}`, doubt: voidText(report, [baseline, candidate]) }))}`
}

interface Pair {
  readonly baseline: string
  readonly candidate: string
  readonly rows: readonly ComparisonView[]
  readonly id: string
  /** Why the numbers mean nothing. */
  readonly doubt: string | undefined
}

function comparisonTable({ baseline, candidate, rows, id, doubt }: Pair): Markup {
  const ends = rows.map((row) => Math.max(-row.difference.low, row.difference.high))
  const reach = Math.max(0.05, ...ends)
  const confidence = formatSharePlain(rows[0]?.difference.confidence ?? 0.95)
  return markup`<h3>${baseline} → ${candidate}${doubt !== undefined && markup` <span class="chip trust-void">${doubt}</span>`}</h3>${filterBox(id, rows.length)}${framed(
    `${baseline} against ${candidate}`,
    markup`<table id="${id}" data-sortable><caption><span>The same samples on both versions. Robust accuracy, except in the row for clean accuracy; worst case: right under every attack. Ranges are Tango ${confidence} intervals. ${pMeaning(candidate)}.</span></caption>
<thead><tr><th scope="col">What</th><th scope="col" class="n">${baseline}</th><th scope="col" class="n">${candidate}</th><th scope="col" class="n">Difference</th><th scope="col" class="n">Newly broken</th><th scope="col" class="n">Newly fixed</th><th scope="col" class="n">p (Holm)</th></tr></thead>
<tbody>${rows.map((row) => comparisonRow(row, reach))}</tbody></table>`,
  )}`
}

function comparisonRow(row: ComparisonView, reach: number): Markup {
  const { difference, baselineValue, candidateValue } = row
  const { newlyBroken, newlyFixed } = difference.counts
  const isKey = row.what === 'worst case' || row.what === 'clean accuracy'
  return markup`<tr${isKey && markup` class="key"`}><th scope="row">${underThreat(row.what, row)}</th>${valueCell(baselineValue)}${valueCell(candidateValue)}<td class="n" data-sort="${difference.estimate}"><span class="measure">${differenceBar(difference, reach)}<span class="value ${directionOf(difference)}">${formatPoints(difference.estimate)}</span> <span class="ci">${pointsRange(difference)}</span></span></td><td class="n" data-sort="${newlyBroken}">${formatCount(newlyBroken)}</td><td class="n" data-sort="${newlyFixed}">${formatCount(newlyFixed)}</td><td class="n" data-sort="${row.pAdjusted}">${pNumber(row.pAdjusted)}</td></tr>`
}

function valueCell({ estimate }: Proportion): Markup {
  return markup`<td class="n" data-sort="${estimate}">${formatPercent(estimate)}</td>`
}

/** Where the samples went between the last pair of versions, under the main threat: one bar of four parts. */
export function sampleFlow(report: RunReport): Markup | undefined {
  const threat = mainThreat(report)
  const candidate = report.gate?.candidate ?? report.versions.at(-1)?.version
  if (!threat || candidate === undefined) return undefined
  const row = changeOf(report, candidate, 'worst case', threat)
  if (!row || row.difference.trials === 0) return undefined
  const { counts, trials } = row.difference
  const parts = [
    { kind: 'held', n: counts.bothRight, text: 'right on both' },
    { kind: 'broken', n: counts.newlyBroken, text: 'newly broken' },
    { kind: 'fixed', n: counts.newlyFixed, text: 'newly fixed' },
    { kind: 'lost', n: counts.bothWrong, text: 'wrong on both' },
  ]
  const width = (n: number) => `${((n / trials) * 100).toFixed(2)}%`
  return markup`<div class="flow"><h3>${row.baseline} → ${row.candidate}: the same ${formatCounted(trials, 'sample')} under attack at ${formatThreat(threat)}</h3>
<div class="stack" aria-hidden="true">${parts.filter(({ n }) => n > 0).map(({ kind, n }) => markup`<i class="${kind}" style="width:${width(n)}"></i>`)}</div>
<ul class="legend">${parts.map(({ kind, n, text }) => markup`<li><i class="${kind}" aria-hidden="true"></i><strong>${formatCount(n)}</strong> ${text}</li>`)}</ul></div>`
}
