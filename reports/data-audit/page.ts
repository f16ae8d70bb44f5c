import type {
  DataAudit,
  DetectorResult,
  DetectorStatus,
  Suspect,
  SuspectSample,
  VersionSummary,
} from '../../src/audit/data/result.js'
import { formatCounted, formatPercent, formatSharePlain } from '../../src/stats/format.js'
import { contentPolicy, logo, section } from '../html/frame.js'
import { markup, trusted, type Markup } from '../html/markup.js'
import { encodePng, imageSize } from '../html/png.js'
import { script } from '../html/script.js'
import { style } from '../html/style.js'
import { framed } from '../html/tables.js'
import { formatNumber, formatSeconds } from '../text.js'

/** One page that needs nothing but itself, as the report of a run. */
export async function dataAuditPage(
  audit: DataAudit,
  samples: readonly SuspectSample[],
): Promise<string> {
  const { data, versions } = audit
  const verdict = verdictOf(audit)
  const { html } = markup`<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy()}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Data audit · ${data}</title>
<style>${trusted(style)}</style></head>
<body><header><p class="brand">${logo} Gauntlet</p><h1>Audit of ${data}</h1>
<dl>${factsOf(audit).map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></header>
<main><section class="verdict ${verdict.tone}" aria-labelledby="verdict"><p class="badge">${verdict.badge}</p><div class="why"><h2 id="verdict">${verdict.title}</h2><p class="change">${verdict.text}</p></div></section>
${section('detectors', 'Detectors', detectorTable(audit))}
${versions !== null && section('versions', `What changed since ${versions.previous}`, versionList(versions))}
${audit.suspects.length > 0 && section('suspects', 'Suspects', await suspectTiles(audit, samples))}
</main>
<script>${trusted(script)}</script></body></html>`
  return `<!doctype html>\n${html}\n`
}

function factsOf(audit: DataAudit): readonly (readonly [string, string])[] {
  const { samples, classCounts, falsePositiveRate, control, model, seed, seconds } = audit
  const classes = classCounts.filter((count) => count > 0).length
  return [
    ['Samples', `${samples} of ${classes} classes${audit.isStreamed ? ', read in parts' : ''}`],
    ['Stated false-positive rate', formatSharePlain(falsePositiveRate)],
    ['Control', control ?? 'made from the data'],
    ['Features', model ?? 'none'],
    ['Seed', String(seed)],
    ['Took', formatSeconds(seconds)],
  ]
}

function verdictOf({ suspects, detectors, samples }: DataAudit) {
  const used = detectors.filter(({ status }) => status === 'used').length
  if (suspects.length > 0)
    return {
      tone: 'fail',
      badge: 'SUSPECTS',
      title: `${formatCounted(suspects.length, 'sample')} of ${samples} to look at`,
      text: 'Flagged by at least one detector whose verdict may be used. Up to the stated rate of clean samples is flagged as well.',
    } as const
  if (used === 0)
    return {
      tone: 'inconclusive',
      badge: 'INCONCLUSIVE',
      title: 'No detector could be relied on',
      text: 'None kept its rate on a control.',
    } as const
  return {
    tone: 'pass',
    badge: 'CLEAR',
    title: 'No sample stands out',
    text: 'Poison that these detectors do not see may still be there.',
  } as const
}

const tones: Readonly<Record<DetectorStatus, string>> = {
  used: 'trust-high',
  unchecked: 'trust-medium',
  void: 'trust-void',
  'not applicable': '',
}

function detectorTable({ detectors, falsePositiveRate }: DataAudit): Markup {
  return framed(
    'Detectors',
    markup`<table><caption><span>Each ran on a control first. More flags there than the stated ${formatSharePlain(falsePositiveRate)} and chance explain make it void.</span></caption>
<thead><tr><th scope="col">Detector</th><th scope="col">Verdict</th><th scope="col" class="n">Flagged</th><th scope="col" class="n">Threshold</th><th scope="col" class="n">On the control</th><th scope="col">Why</th></tr></thead>
<tbody>${detectors.map(detectorRow)}</tbody></table>`,
  )
}

function detectorRow(one: DetectorResult): Markup {
  const { title, source, status, flagged, judged, threshold, control, why } = one
  return markup`<tr><th scope="row">${title}<div class="muted small">${source}</div></th><td><span class="chip ${tones[status]}">${status}</span></td><td class="n">${flagged}${judged > 0 && markup` <span class="ci">${formatPercent(flagged / judged)}</span>`}</td><td class="n">${threshold === null ? '–' : formatNumber(threshold)}</td><td class="n">${control ? markup`${control.flagged} <span class="ci">${formatPercent(control.rate)}, ${control.kind}</span>` : '–'}</td><td class="notes">${why ?? ''}</td></tr>`
}

function versionList(versions: VersionSummary): Markup {
  const rows = [
    ['Added', versions.added],
    ['Removed', versions.removed],
    ['Relabelled', versions.relabelled],
    ['Kept', versions.kept],
    ['Kept, at another place', versions.moved],
    ['Repeat another sample', versions.duplicates],
  ] as const
  return markup`<table><caption><span>By the content of the samples.</span></caption><tbody>${rows.map(([name, count]) => markup`<tr><th scope="row">${name}</th><td class="n">${count}</td></tr>`)}</tbody></table>`
}

async function suspectTiles(
  { suspects, classNames }: DataAudit,
  samples: readonly SuspectSample[],
): Promise<Markup> {
  const byIndex = new Map(suspects.map((suspect) => [suspect.index, suspect]))
  const tiles: Markup[] = []
  for (const sample of samples) {
    const suspect = byIndex.get(sample.index)
    if (suspect) tiles.push(await tile(suspect, sample, classNames))
  }
  const left = suspects.length - tiles.length
  return markup`<p class="muted small">${formatCounted(tiles.length, 'suspect')}, those that the most detectors flag first${left > 0 && `; ${left} more in audit-data.json`}.</p><ul class="tiles">${tiles}</ul>`
}

async function tile(
  { rank, index, label, flags }: Suspect,
  sample: SuspectSample,
  classNames: readonly string[] | undefined,
): Promise<Markup> {
  const name = classNames?.[label] === undefined ? String(label) : `${label} ${classNames[label]}`
  const reasons = flags.map(
    ({ detector, score, threshold, reason }) =>
      markup`<li><strong>${detector}</strong> ${formatNumber(score)} <span class="muted">(threshold ${formatNumber(threshold)})</span>: ${reason}</li>`,
  )
  return markup`<li class="tile"><p class="classes"><span><small>labelled</small> <strong class="wrong">${name}</strong></span> <span class="muted small">#${rank} · sample ${index}</span></p>
${await picture(sample, name)}<ul class="small">${reasons}</ul></li>`
}

const shownValues = 8

/** Pictures are enlarged to about this many pixels a side. */
const shownSide = 160

async function picture({ index, shape, range, x }: SuspectSample, name: string): Promise<Markup> {
  const size = imageSize(shape)
  if (!size) {
    const values = Array.from(x.subarray(0, shownValues), formatNumber).join(', ')
    return markup`<p class="small"><code>${values}${x.length > shownValues && ', …'}</code></p>`
  }
  const [low, high] = range
  const png = await encodePng(size, (i) => [((x[i]! - low) / (high - low)) * 255])
  const factor = Math.max(1, shownSide / Math.max(size.width, size.height))
  const [width, height] = [size.width, size.height].map((side) => Math.round(side * factor))
  return markup`<img class="pixelated" src="${png}" width="${width!}" height="${height!}" alt="Sample ${index}, labelled ${name}">`
}
