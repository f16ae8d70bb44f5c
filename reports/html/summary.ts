import type { RuleResult } from '../../src/gate/types.js'
import type { ComparisonView, RunReport, VersionView } from '../../src/reporter.js'
import type { Proportion } from '../../src/stats/types.js'
import {
  formatCounted,
  formatPercent,
  formatPoints,
  formatSharePlain,
} from '../../src/stats/format.js'
import { formatThreat, shareRange } from '../text.js'
import {
  changeOf,
  directionOf,
  headlineOf,
  mainThreat,
  robustAccuracyAt,
  ruleState,
  type Direction,
  type RuleState,
  type Threat,
} from '../view.js'
import { shareBar } from './interval.js'
import { markup, trusted, type Markup } from './markup.js'

const marks: Readonly<
  Record<RuleState | 'none', { readonly sign: string; readonly text: string }>
> = {
  pass: { sign: '✓', text: 'passed' },
  fail: { sign: '✕', text: 'failed' },
  inconclusive: { sign: '?', text: 'cannot be decided' },
  warning: { sign: '!', text: 'warning only' },
  waived: { sign: '~', text: 'waived' },
  off: { sign: '–', text: 'off' },
  none: { sign: '–', text: 'no gate' },
}

/** The verdict and why, in one card. */
export function verdictCard(report: RunReport): Markup {
  const headline = headlineOf(report)
  const { verdict, against, others } = headline
  return markup`<section class="verdict ${verdict}" aria-labelledby="verdict">
<p class="badge"><span aria-hidden="true">${marks[verdict].sign}</span> ${headline.badge}</p>
<div class="why"><h2 id="verdict">${headline.title}</h2>
${headline.change !== undefined && markup`<p class="change">${headline.change}</p>`}
${against.length > 0 && markup`<ul class="rules">${against.map(ruleItem)}</ul>`}
${others.length > 0 && markup`<details><summary>${formatCounted(others.length, against.length > 0 ? 'other rule' : 'rule')}: ${tally(others)}</summary><ul class="rules">${others.map(ruleItem)}</ul></details>`}
</div></section>`
}

function ruleItem(rule: RuleResult): Markup {
  const state = ruleState(rule)
  const waiver = rule.waived && ` (waived until ${rule.waived.expires}: ${rule.waived.reason})`
  return markup`<li class="rule ${state}"><span class="sign" aria-hidden="true">${marks[state].sign}</span><span><span class="hidden">${marks[state].text}: </span><code>${rule.id}</code> ${rule.reason}${waiver}</span></li>`
}

/** `2 passed, 1 waived`. */
function tally(rules: readonly RuleResult[]): string {
  const sums = new Map<string, number>()
  for (const rule of rules) {
    const { text } = marks[ruleState(rule)]
    sums.set(text, (sums.get(text) ?? 0) + 1)
  }
  return [...sums].map(([text, n]) => `${n} ${text}`).join(', ')
}

/** Versions in order: clean accuracy, robust accuracy at the main threat, and how each changed. */
export function versionTable(report: RunReport): Markup {
  const threat = mainThreat(report)
  const name = threat ? `Robust accuracy at ${formatThreat(threat)}` : 'Robust accuracy'
  return markup`<table class="versions"><caption>Versions in order. Robust: right under every attack. In brackets: ${formatSharePlain(report.versions[0]?.cleanAccuracy.confidence ?? 0.95)} intervals.</caption>
<thead><tr><th scope="col">Version</th><th scope="col">Clean accuracy</th><th scope="col">${name}</th></tr></thead>
<tbody>${report.versions.map((version, i) => versionRow(report, version, i, threat))}</tbody></table>`
}

function versionRow(
  report: RunReport,
  version: VersionView,
  index: number,
  threat: Threat | undefined,
): Markup {
  const clean = changeOf(report, version.version, 'clean accuracy')
  const robust = threat && changeOf(report, version.version, 'worst case', threat)
  return markup`<tr><th scope="row"><span class="swatch" style="background:var(--series-${(index % 6) + 1})" aria-hidden="true"></span>${version.version}</th>
<td>${bigShare(version.cleanAccuracy, clean)}</td>
<td>${bigShare(robustAccuracyAt(version, threat), robust)}</td></tr>`
}

function bigShare(share: Proportion | undefined, change: ComparisonView | undefined): Markup {
  if (!share || share.trials === 0) return markup`<span class="muted">no data</span>`
  return markup`<span class="big">${formatPercent(share.estimate)}</span> ${change && changeChip(change)} <span class="ci">${shareRange(share)}</span>${shareBar(share)}`
}

const arrows: Readonly<Record<Direction, string>> = { worse: '▼', better: '▲', unclear: '≈' }
const words: Readonly<Record<Direction, string>> = {
  worse: 'worse than',
  better: 'better than',
  unclear: 'no clear change from',
}

function changeChip({ difference, baseline }: ComparisonView): Markup {
  const direction = directionOf(difference)
  return markup`<span class="chip ${direction}"><span aria-hidden="true">${arrows[direction]}</span> ${formatPoints(difference.estimate)}<span class="hidden"> ${words[direction]} ${baseline}</span></span>`
}

/** What went wrong in the run; empty when nothing did. */
export function problemBanner({ status, problems, cells }: RunReport): Markup {
  const missing = cells.filter((cell) => !cell.complete).length
  if (status === 'complete' && problems.length === 0 && missing === 0) return trusted('')
  const state = status === 'complete' ? 'finished with problems' : `is ${status}`
  return markup`<section class="banner" role="note" aria-labelledby="problems">
<h2 id="problems">This run ${state}: the numbers are of what was done</h2>
${missing > 0 && markup`<p>${missing} of ${formatCounted(cells.length, 'cell')} lack samples.</p>`}
${problems.length > 0 && markup`<ul>${problems.map((problem) => markup`<li>${problem}</li>`)}</ul>`}
</section>`
}
