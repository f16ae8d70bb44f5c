import type { RuleResult } from '../src/gate/types.js'
import type { ComparisonView, Reporter, RunReport } from '../src/reporter.js'
import type { Proportion } from '../src/stats/types.js'
import { formatCounted, formatPercent, formatPoints, formatRate } from '../src/stats/format.js'
import {
  alarmsText,
  comparedName,
  estimateText,
  lossText,
  meanText,
  poisonName,
  poisonPairs,
  trialsText,
} from './poison-text.js'
import { formatThreat, pMeaning, pNumber, pointsRange, shareRange } from './text.js'
import {
  isVoid,
  signalsOf,
  signalText,
  spokenTrust,
  trustSubject,
  trustText,
  voidText,
} from './trust.js'
import {
  approximationLines,
  changeOf,
  comparisonPairs,
  headlineOf,
  mainThreat,
  missingFrom,
  robustAccuracyAt,
  ruleState,
} from './view.js'

/** GitHub refuses comments above 65,536 characters. */
const rowsShown = 60

/** A pull-request comment: verdict, reasons and one table; the rest folded away. */
export const markdown: Reporter = {
  id: 'markdown',
  fileName: 'report.md',
  describe: 'a pull-request comment in GitHub Markdown',
  render: async (report) => {
    const headline = headlineOf(report)
    const sign = { pass: '✅ ', fail: '❌ ', inconclusive: '⚠️ ', none: '' }[headline.verdict]
    const blocks = [
      `## ${sign}${headline.badge}: ${escapeMarkdown(headline.title)}`,
      incompleteNote(report),
      headline.change && escapeMarkdown(headline.change),
      headline.against.map(ruleLine).join('\n'),
      report.poisoning && report.cells.length === 0 ? '' : versionTable(report),
      trustBlock(report),
      approximationLines(report)
        .map((line) => `- ${escapeMarkdown(line)}`)
        .join('\n'),
      details('Gate rules', headline.others.map(ruleLine).join('\n')),
      ...comparisonPairs(report).map(({ baseline, candidate, rows }) =>
        details(
          `${baseline} → ${candidate}, attack by attack`,
          [
            escapeMarkdown(voidText(report, [baseline, candidate]) ?? ''),
            comparisonTable(baseline, candidate, rows),
          ]
            .filter((block) => block !== '')
            .join('\n\n'),
        ),
      ),
      details('Per attack', attackTable(report)),
      ...poisonBlocks(report),
      details(
        'Problems',
        report.problems.map((problem) => `- ${escapeMarkdown(problem)}`).join('\n'),
      ),
      escapeMarkdown(
        `${report.title} · suite ${report.suite} · ${report.dataset.name}, ${formatCounted(report.dataset.samples, 'sample')} · run ${report.runId} · ${report.createdAt}`,
      ),
    ]
    return `${blocks.filter(Boolean).join('\n\n')}\n`
  },
}

function incompleteNote(report: RunReport): string | undefined {
  const missing = missingFrom(report)
  return missing && `> ⚠️ Numbers are of what was done: ${missing}.`
}

function trustBlock(report: RunReport): string {
  return spokenTrust(report)
    .map((view) => {
      const signals = signalsOf(view.findings.filter(({ severity }) => severity !== 'note'))
      const sign = view.trust === 'void' ? '⚠️ ' : ''
      return [
        `${sign}**Trust in ${escapeMarkdown(trustSubject(view))}** is ${escapeMarkdown(trustText(view))}`,
        ...signals.map((signal) => `- ${escapeMarkdown(signalText(signal))}`),
      ].join('\n')
    })
    .join('\n\n')
}

function ruleLine(rule: RuleResult): string {
  const words = {
    pass: '✅',
    fail: '❌',
    inconclusive: '⚠️ undecided:',
    warning: '⚠️ warning only:',
    waived: `⚠️ waived until ${escapeMarkdown(rule.waived?.expires ?? '')} (${escapeMarkdown(rule.waived?.reason ?? '')}):`,
    off: 'off:',
  }
  return `- ${words[ruleState(rule)]} **${escapeMarkdown(rule.id)}** ${escapeMarkdown(rule.reason)}`
}

function versionTable(report: RunReport): string {
  const threat = mainThreat(report)
  const rows = report.versions.map((version) => [
    `${escapeMarkdown(version.version)}${isVoid(report, version.version) ? ' ⚠️ void' : ''}`,
    withChange(version.cleanAccuracy, changeOf(report, version.version, 'clean accuracy')),
    withChange(
      robustAccuracyAt(version, threat),
      threat && changeOf(report, version.version, 'worst case', threat),
    ),
  ])
  const robust = threat ? `Robust accuracy, ${formatThreat(threat)}` : 'Robust accuracy'
  return table(['Version', 'Clean accuracy', robust], rows)
}

/** `71.2 % (67.1 to 75.0) **−39.8 pp**` */
function withChange(share: Proportion | undefined, change: ComparisonView | undefined): string {
  if (!share || share.trials === 0) return 'no data'
  const difference = change ? ` **${formatPoints(change.difference.estimate)}**` : ''
  return `${shareText(share)}${difference}`
}

function comparisonTable(
  baseline: string,
  candidate: string,
  rows: readonly ComparisonView[],
): string {
  const rowsText = table(
    [
      'What',
      'Threat',
      escapeMarkdown(baseline),
      escapeMarkdown(candidate),
      'Difference',
      'Broken',
      'Fixed',
      'p (Holm)',
    ],
    rows.map((row) => [
      escapeMarkdown(row.what),
      formatThreat(row),
      formatPercent(row.baselineValue.estimate),
      formatPercent(row.candidateValue.estimate),
      `${formatPoints(row.difference.estimate)} (${pointsRange(row.difference)})`,
      String(row.difference.counts.newlyBroken),
      String(row.difference.counts.newlyFixed),
      escapeMarkdown(pNumber(row.pAdjusted)),
    ]),
  )
  return `${rowsText}\n\n${escapeMarkdown(pMeaning(candidate))}.`
}

function attackTable({ cells }: RunReport): string {
  if (cells.length === 0) return ''
  return table(
    ['Version', 'Attack', 'Threat', 'Robust accuracy', 'Attack success', 'Samples'],
    cells.map((cell) => [
      escapeMarkdown(cell.version),
      escapeMarkdown(cell.label),
      formatThreat(cell),
      shareText(cell.robustAccuracy),
      shareText(cell.attackSuccess),
      `${cell.samples}${cell.complete ? '' : cell.samples === 0 ? ' (did not run)' : ' (incomplete)'}`,
    ]),
  )
}

/** Short of all that the page tells: what the poisons achieve, and how that changed. */
function poisonBlocks({ poisoning }: RunReport): string[] {
  if (!poisoning) return []
  return [
    table(
      ['Poisoned training', 'Attack success', 'Base rate', 'Clean accuracy', 'Trials'],
      poisoning.cells.map((cell) => [
        escapeMarkdown(`${cell.version}, ${poisonName(cell)}`),
        meanText(cell.poisoned?.attackSuccess),
        estimateText(cell.clean?.attackSuccess),
        `${estimateText(cell.clean?.cleanAccuracy)}, ${lossText(cell.cleanLoss)}`,
        trialsText(cell),
      ]),
    ),
    ...poisonPairs(poisoning).map(({ baseline, candidate, rows }) =>
      details(
        `${baseline} → ${candidate}, poison by poison`,
        table(
          [
            'Attack success',
            'Rate',
            escapeMarkdown(baseline),
            escapeMarkdown(candidate),
            'Difference',
            'p (Holm)',
          ],
          rows.map((row) => [
            escapeMarkdown(comparedName(row)),
            formatRate(row.rate),
            estimateText(row.baselineValue),
            estimateText(row.candidateValue),
            `${formatPoints(row.difference.estimate)} (${pointsRange(row.difference)})`,
            escapeMarkdown(pNumber(row.pAdjusted)),
          ]),
        ),
      ),
    ),
    details(
      'Filters and detectors',
      table(
        ['Filter', 'Removed of all', 'Of the poisons', 'Attack success', 'False alarms'],
        poisoning.cells.flatMap((cell) =>
          cell.filters.map((filter) => {
            const detector = cell.detectors.find((one) => one.detector === filter.filter)
            return [
              escapeMarkdown(`${cell.version}, ${poisonName(cell)}: ${filter.filter}`),
              formatPercent(filter.removedShare),
              formatPercent(filter.foundShare),
              meanText(filter.attackSuccess),
              detector ? alarmsText(detector) : '',
            ]
          }),
        ),
      ),
    ),
  ]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, i) => (i === 0 ? ':--' : '--:'))
  const lines = [head, rule, ...rows.slice(0, rowsShown)].map((cells) => `| ${cells.join(' | ')} |`)
  const left = rows.length - rowsShown
  return [
    ...lines,
    ...(left > 0 ? ['', `${formatCounted(left, 'more row')} in the other formats.`] : []),
  ].join('\n')
}

function details(summary: string, body: string): string {
  if (body === '') return ''
  return `<details><summary>${escapeMarkdown(summary)}</summary>\n\n${body}\n\n</details>`
}

function shareText(share: Proportion): string {
  return share.trials === 0 ? 'no data' : `${formatPercent(share.estimate)} (${shareRange(share)})`
}

/**
 * Text that renders as itself: no table cell ends early, no markup, no HTML, no mention of a person.
 * A zero-width space after `@` keeps names from notifying whoever bears them.
 */
function escapeMarkdown(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|~#]/g, '\\$&')
    .replace(/@/g, '@\u200B')
}
