import type { RuleResult } from '../../src/gate/types.js'
import type { ComparisonView, RunReport, VersionView } from '../../src/reporter.js'
import type { Proportion } from '../../src/stats/types.js'
import {
  formatCounted,
  formatPercent,
  formatPoints,
  formatSharePlain,
} from '../../src/stats/format.js'
import { formatThreat, shareRange, tie } from '../text.js'
import { isVoid, voidText } from '../trust.js'
import {
  approximationLines,
  changeOf,
  directionOf,
  headlineOf,
  mainThreat,
  missingFrom,
  robustAccuracyAt,
  ruleState,
  type Direction,
  type RuleState,
  type Threat,
} from '../view.js'
import { sampleFlow } from './comparisons.js'
import { seriesColour, shareBar } from './interval.js'
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
${headline.change !== undefined && markup`<p class="change">${tie(headline.change)}</p>`}
${against.length > 0 && markup`<ul class="rules">${against.map(ruleItem)}</ul>`}
${others.length > 0 && markup`<details><summary>${formatCounted(others.length, against.length > 0 ? 'other rule' : 'rule')}: ${tally(others)}</summary><ul class="rules">${others.map(ruleItem)}</ul></details>`}
</div></section>`
}

function ruleItem(rule: RuleResult): Markup {
  const state = ruleState(rule)
  const waiver = rule.waived && ` (waived until ${rule.waived.expires}: ${rule.waived.reason})`
  return markup`<li class="rule ${state}"><span class="sign" aria-hidden="true">${marks[state].sign}</span><span><span class="hidden">${marks[state].text}: </span><code>${rule.id}</code> ${tie(rule.reason)}${waiver}</span></li>`
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
  const name = threat ? `Robust accuracy at ${tie(formatThreat(threat))}` : 'Robust accuracy'
  return markup`<table class="versions"><caption>Versions in order. Robust: right under every attack. Below each: ${formatSharePlain(report.versions[0]?.cleanAccuracy.confidence ?? 0.95)} interval.</caption>
<thead><tr><th scope="col">Version</th><th scope="col">Clean accuracy</th><th scope="col">${name}</th></tr></thead>
<tbody>${report.versions.map((version) => versionRow(report, version, threat))}</tbody></table>${approximationLines(report).map((line) => markup`<p class="muted">${breakable(line)}.</p>`)}${sampleFlow(report)}`
}

function versionRow(report: RunReport, version: VersionView, threat: Threat | undefined): Markup {
  const clean = changeOf(report, version.version, 'clean accuracy')
  const robust = threat && changeOf(report, version.version, 'worst case', threat)
  return markup`<tr style="--series:${seriesColour(report, version.version)}"><th scope="row"><span class="swatch" aria-hidden="true"></span>${breakable(version.version)}${isVoid(report, version.version) && markup` <span class="chip trust-void" title="${voidText(report, [version.version])}">void</span>`}</th>
<td>${bigShare(version.cleanAccuracy, clean)}</td>
<td>${bigShare(robustAccuracyAt(version, threat), robust)}</td></tr>`
}

/** A long name may break after its separators: `cifar_|deep_|kw`. */
function breakable(name: string): Markup {
  return markup`${name.split(/(?<=[_./-])/).map((part, i) => (i === 0 ? part : markup`<wbr>${part}`))}`
}

function bigShare(share: Proportion | undefined, change: ComparisonView | undefined): Markup {
  if (!share || share.trials === 0) return markup`<span class="muted">no data</span>`
  return markup`<span class="big">${formatPercent(share.estimate)}</span> ${change && changeChip(change)}<span class="ci block">${shareRange(share)}</span>${shareBar(share)}`
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
export function problemBanner(report: RunReport): Markup {
  const missing = missingFrom(report)
  if (missing === undefined) return trusted('')
  const { problems } = report
  return markup`<section class="banner" aria-labelledby="problems">
<h2 id="problems">Numbers are of what was done: ${missing}</h2>
${problems.length > 0 && markup`<ul>${problems.map((problem) => markup`<li>${problem}</li>`)}</ul>`}
</section>`
}
