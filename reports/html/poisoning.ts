import type {
  ArmView,
  PoisonCellView,
  PoisonComparisonView,
  PoisoningView,
  RunReport,
} from '../../src/reporter.js'
import {
  formatCount,
  formatCounted,
  formatPercent,
  formatPoints,
  formatRate,
  formatSharePlain,
} from '../../src/stats/format.js'
import type { Mean, Proportion } from '../../src/stats/types.js'
import {
  alarmsText,
  comparedName,
  lossText,
  poisonDirection,
  poisonPairs,
  successfulText,
  trialsText,
} from '../poison-text.js'
import { pNumber, pointsRange, shareRange } from '../text.js'
import { differenceTrack, seriesColour, shareBar } from './interval.js'
import { markup, type Markup } from './markup.js'
import { poisonCharts } from './poison-chart.js'
import { poisonPictures } from './poison-pictures.js'
import { filterBox, framed } from './tables.js'

/** What the poisons achieve, version by version; undefined for a run that poisons nothing. */
export async function poisoningSection(report: RunReport): Promise<Markup | undefined> {
  const { poisoning } = report
  if (!poisoning) return undefined
  return markup`${await poisonCharts(report, poisoning)}
${cellTable(report, poisoning)}
${await poisonPictures(report, poisoning)}
${filterTable(report, poisoning)}
${detectorTable(report, poisoning)}
${poisonPairs(poisoning).map(({ baseline, candidate, rows }, i) => comparisonTable(baseline, candidate, rows, `poison-comparison-${i}`))}`
}

const confidenceOf = ({ cells }: PoisoningView): string =>
  formatSharePlain(cells[0]?.cleanLoss.confidence ?? 0.95)

function cellTable(report: RunReport, poisoning: PoisoningView): Markup {
  const { cells } = poisoning
  const withPaths = cells.some(({ paths }) => paths.length > 0)
  const notes = cells.some(({ notes: own }) => own.length > 0)
  const success = formatSharePlain(cells[0]?.successShare ?? 0.5)
  return markup`<h3>With and without the poison</h3>${filterBox('poisons', cells.length)}${framed(
    'Poisons',
    markup`<table id="poisons" class="compact" data-sortable><caption><span>Means over trials: trainings that differ in source, target and seed. Attack success: attacked test samples, never of the target class, that reach the attacker's goal; the base rate is that of the same training without the poison. Successful trials: those in which at least ${success} do. Keep their class: attacked samples that are classified as their label says. Ranges are ${confidenceOf(poisoning)} intervals over trials.</span></caption>
<thead><tr><th scope="col">Version</th><th scope="col">Poison</th><th scope="col" class="n">Attack success</th><th scope="col" class="n">Base rate</th><th scope="col" class="n">Successful trials</th><th scope="col" class="n">Clean accuracy</th><th scope="col" class="n">Keep their class</th>${withPaths && markup`<th scope="col">On the way of an image</th>`}<th scope="col" class="n">Trials</th>${notes && markup`<th scope="col">Notes</th>`}</tr></thead>
<tbody>${cells.map((cell) => cellRow(report, cell, { withPaths, notes }))}</tbody></table>`,
  )}`
}

function cellRow(
  report: RunReport,
  cell: PoisonCellView,
  { withPaths, notes }: { readonly withPaths: boolean; readonly notes: boolean },
): Markup {
  const { version, clean, poisoned, cleanLoss, paths, planned } = cell
  const pathTexts = paths.map(
    ({ path, attackSuccess }) => `${path} ${formatPercent(attackSuccess.estimate)}`,
  )
  const incomplete = cell.complete ? [] : ['incomplete: numbers are of what was done']
  return markup`<tr${!cell.complete && markup` class="partial"`} style="--series:${seriesColour(report, version)}"><th scope="row">${version}</th><td>${poisonCell(cell)}</td>${meanCell(poisoned?.attackSuccess)}<td class="n"${sortKey(clean?.attackSuccess.estimate)}>${estimate(clean?.attackSuccess)}</td>${successfulCell(cell, poisoned)}<td class="n"${sortKey(poisoned?.cleanAccuracy.estimate)}><span class="value">${estimate(clean?.cleanAccuracy)} → ${estimate(poisoned?.cleanAccuracy)}</span> <span class="ci block">${lossText(cleanLoss)}</span></td><td class="n"${sortKey(poisoned?.recoveredAccuracy.estimate)}>${estimate(poisoned?.recoveredAccuracy)}</td>${withPaths && markup`<td class="notes nowrap">${pathTexts.map((text, i) => markup`${i > 0 && markup`<br>`}${text}`)}</td>`}<td class="n" data-sort="${planned}">${trialsText(cell)}</td>${notes && markup`<td class="notes">${notesCell([...incomplete, ...cell.notes])}</td>`}</tr>`
}

/** Trials may have a note each: more than two are folded. */
function notesCell(notes: readonly string[]): Markup {
  if (notes.length <= 2) return markup`${notes.join('; ')}`
  return markup`<details><summary>${formatCounted(notes.length, 'note')}</summary>${notes.join('; ')}</details>`
}

function successfulCell(cell: PoisonCellView, poisoned: ArmView | undefined): Markup {
  const share: Proportion | undefined = poisoned?.successfulTrials
  return markup`<td class="n"${sortKey(share?.estimate)}>${successfulText(cell)}${share && share.trials > 0 && markup` <span class="ci block">${shareRange(share)}</span>`}</td>`
}

/** `BadNets 3×3 5 % of the data set`, the rate below where there is no room. */
function poisonCell({ label, rate }: Pick<PoisonCellView, 'label' | 'rate'>): Markup {
  return markup`<span class="under"><span>${label}</span> <span class="muted nowrap">${formatRate(rate)}</span></span>`
}

const sortKey = (value: number | undefined): Markup =>
  markup` data-sort="${value === undefined || Number.isNaN(value) ? -1 : value}"`

const estimate = (mean: Mean | undefined): string =>
  !mean || mean.trials === 0 ? 'no data' : formatPercent(mean.estimate)

/** Bar, estimate and interval in one cell that sorts by the estimate. */
function meanCell(mean: Mean | undefined): Markup {
  if (!mean || mean.trials === 0) return markup`<td class="n" data-sort="-1">no data</td>`
  return markup`<td class="n"${sortKey(mean.estimate)}><span class="measure">${shareBar(mean)}<span class="value">${formatPercent(mean.estimate)}</span> <span class="ci">${shareRange(mean)}</span></span></td>`
}

function filterTable(report: RunReport, { cells }: PoisoningView): Markup | undefined {
  const rows = cells.flatMap((cell) => cell.filters.map((filter) => ({ cell, filter })))
  if (rows.length === 0) return undefined
  return markup`<h3>After a filter</h3>${filterBox('filters', rows.length)}${framed(
    'Filters',
    markup`<table id="filters" data-sortable><caption><span>The same trainings on what a detector left over of the poisoned data; beside it what a random filter and a perfect one (oracle) do.</span></caption>
<thead><tr><th scope="col">Version</th><th scope="col">Poison</th><th scope="col">Filter</th><th scope="col" class="n">Removed of all</th><th scope="col" class="n">Removed of the poisons</th><th scope="col" class="n">Attack success</th><th scope="col" class="n">Clean accuracy</th><th scope="col" class="n">Trials</th></tr></thead>
<tbody>${rows.map(
      ({ cell, filter }) =>
        markup`<tr style="--series:${seriesColour(report, cell.version)}"><th scope="row">${cell.version}</th><td>${poisonCell(cell)}</td><td>${filter.filter}</td><td class="n"${sortKey(filter.removedShare)}>${formatPercent(filter.removedShare)}</td><td class="n"${sortKey(filter.foundShare)}>${formatPercent(filter.foundShare)}</td>${meanCell(filter.attackSuccess)}<td class="n"${sortKey(filter.cleanAccuracy.estimate)}>${estimate(filter.cleanAccuracy)}</td><td class="n" data-sort="${filter.trials}">${formatCount(filter.trials)}</td></tr>`,
    )}</tbody></table>`,
  )}`
}

function detectorTable(report: RunReport, { cells }: PoisoningView): Markup | undefined {
  const rows = cells.flatMap((cell) => cell.detectors.map((detector) => ({ cell, detector })))
  if (rows.length === 0) return undefined
  return markup`<h3>Detectors</h3>${filterBox('detectors', rows.length)}${framed(
    'Detectors',
    markup`<table id="detectors" data-sortable><caption><span>Means over trials. Precision: poisoned, of those flagged. Recall: flagged, of those poisoned. False alarms: flagged of the same data without the poison.</span></caption>
<thead><tr><th scope="col">Version</th><th scope="col">Poison</th><th scope="col">Detector</th><th scope="col" class="n">Precision</th><th scope="col" class="n">Recall</th><th scope="col" class="n">False alarms</th><th scope="col">Notes</th></tr></thead>
<tbody>${rows.map(
      ({ cell, detector }) =>
        markup`<tr style="--series:${seriesColour(report, cell.version)}"><th scope="row">${cell.version}</th><td>${poisonCell(cell)}</td><td>${detector.detector}</td><td class="n"${sortKey(detector.precision)}>${formatPercent(detector.precision)}</td><td class="n"${sortKey(detector.recall)}>${formatPercent(detector.recall)}</td><td class="n"${sortKey(detector.falsePositiveRate)}>${alarmsText(detector)}</td><td class="notes">${detector.notApplicable}</td></tr>`,
    )}</tbody></table>`,
  )}`
}

function comparisonTable(
  baseline: string,
  candidate: string,
  rows: readonly PoisonComparisonView[],
  id: string,
): Markup {
  const reach = Math.max(
    0.05,
    ...rows.map(({ difference }) => Math.max(-difference.low, difference.high)),
  )
  return markup`<h3>${baseline} → ${candidate}: attack success</h3>${filterBox(id, rows.length)}${framed(
    `Poisons on ${baseline} and ${candidate}`,
    markup`<table id="${id}" data-sortable><caption><span>The same trials on both versions: a rise is for the worse. p: exact signed-rank test that ${candidate} is more susceptible, Holm-adjusted over the rows.</span></caption>
<thead><tr><th scope="col">Poison</th><th scope="col" class="n">${baseline}</th><th scope="col" class="n">${candidate}</th><th scope="col" class="n">Difference</th><th scope="col" class="n">Trials with more</th><th scope="col" class="n">With less</th><th scope="col" class="n">p (Holm)</th></tr></thead>
<tbody>${rows.map((row) => comparisonRow(row, reach))}</tbody></table>`,
  )}`
}

function comparisonRow(row: PoisonComparisonView, reach: number): Markup {
  const { difference, baselineValue, candidateValue, pAdjusted } = row
  const direction = poisonDirection(difference)
  return markup`<tr${row.filter === undefined && markup` class="key"`}><th scope="row">${poisonCell({ label: comparedName(row), rate: row.rate })}</th><td class="n"${sortKey(baselineValue.estimate)}>${estimate(baselineValue)}</td><td class="n"${sortKey(candidateValue.estimate)}>${estimate(candidateValue)}</td><td class="n"${sortKey(difference.estimate)}><span class="measure">${differenceTrack(difference, direction, reach)}<span class="value ${direction}">${formatPoints(difference.estimate)}</span> <span class="ci">${pointsRange(difference)}</span></span></td><td class="n" data-sort="${difference.more}">${formatCount(difference.more)}</td><td class="n" data-sort="${difference.fewer}">${formatCount(difference.fewer)}</td><td class="n" data-sort="${pAdjusted}">${pNumber(pAdjusted)}</td></tr>`
}
