import type { Reporter, RunReport } from '../src/reporter.js'
import { formatCounted } from '../src/stats/format.js'
import { auditSection } from './html/audits.js'
import { attackTable } from './html/attacks.js'
import { robustnessCharts } from './html/chart.js'
import { comparisonTables } from './html/comparisons.js'
import { costTable } from './html/cost.js'
import { contentPolicy, logo, section } from './html/frame.js'
import { manifestSection } from './html/manifest.js'
import { markup, trusted, type Markup } from './html/markup.js'
import { pictureSection } from './html/pictures.js'
import { poisoningSection } from './html/poisoning.js'
import { script } from './html/script.js'
import { style } from './html/style.js'
import { trustSection } from './html/trust.js'
import { problemBanner, verdictCard, versionTable } from './html/summary.js'

/** One page that needs nothing but itself: no request leaves it, and no script but ours may run in it. */
export const html: Reporter = {
  id: 'html',
  fileName: 'report.html',
  describe: 'one self-contained page: verdict, tables, chart, pictures, manifest',
  render: async (report) => `<!doctype html>\n${(await page(report)).html}\n`,
}

async function page(report: RunReport): Promise<Markup> {
  return markup`<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy()}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${report.gate ? `${report.gate.verdict.toUpperCase()} · ` : ''}${report.title}</title>
<style>${trusted(style)}</style></head>
<body>${header(report)}
<main>
${problemBanner(report)}
${verdictCard(report)}
${await body(report)}
${section('manifest', 'Manifest', manifestSection(report))}
</main>
<script>${trusted(script)}</script></body></html>`
}

async function body(report: RunReport): Promise<Markup> {
  const poisoning = optional('poisoning', 'Poisoned training', await poisoningSection(report))
  const audits = optional('audits', 'Backdoor audit', auditSection(report))
  const added = markup`${poisoning}${audits}${trustSection(report)}`
  // Where nothing was attacked as it is, its tables would be empty.
  if (report.poisoning && report.cells.length === 0) return added
  return markup`<div class="overview"><section class="card" aria-labelledby="versions"><h2 id="versions">Versions</h2>${versionTable(report)}</section>
<section class="card" aria-labelledby="curves"><h2 id="curves">Robustness curve</h2>${await robustnessCharts(report)}</section></div>
${added}
${section('comparisons', 'What changed', comparisonTables(report))}
${section('per-attack', 'Per attack', attackTable(report))}
${section('examples', 'Adversarial examples', await pictureSection(report))}
${section('cost', 'Cost', costTable(report))}`
}

function optional(id: string, title: string, content: Markup | undefined): Markup | undefined {
  return (
    content &&
    markup`${section(id, title, content)}
`
  )
}

function header(report: RunReport): Markup {
  const { dataset } = report
  return markup`<header><p class="brand">${logo} Gauntlet</p><h1>${report.title}</h1>
<dl><div><dt>Suite</dt><dd>${report.suite}</dd></div><div><dt>Data</dt><dd>${dataset.name}, ${formatCounted(dataset.samples, 'sample')}, ${dataset.classes} classes</dd></div><div><dt>Run</dt><dd>${report.runId}</dd></div><div><dt>When</dt><dd><time datetime="${report.createdAt}">${readableTime(report.createdAt)}</time></dd></div></dl></header>`
}

/** `2026-01-30 14:05 UTC`; the text itself when it is not a date. */
function readableTime(iso: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(iso) ? `${iso.slice(0, 16).replace('T', ' ')} UTC` : iso
}
