import type {
  AuditedClass,
  AuditFinding,
  FormAudit,
  ModelAudit,
} from '../../src/audit/model/result.js'
import { formatCounted, formatPercent } from '../../src/stats/format.js'
import { contentPolicy, logo, section } from '../html/frame.js'
import { markup, trusted, type Markup } from '../html/markup.js'
import { script } from '../html/script.js'
import { style } from '../html/style.js'
import { framed } from '../html/tables.js'
import { formatNumber, formatSeconds } from '../text.js'
import { diffSection } from './diff.js'
import type { TriggerPngs } from './pictures.js'

/** One page that needs nothing but itself, as the report of a run. */
export function auditPage(audit: ModelAudit, pictures: readonly TriggerPngs[]): string {
  const { model, samples, seeds, seconds } = audit
  const verdict = verdictOf(audit)
  const facts = [
    ['Samples', samples > 0 && formatCounted(samples, 'clean sample')],
    ['Accuracy', model.accuracy !== null && formatPercent(model.accuracy)],
    ['Previous', audit.previous?.file],
    ['Seeds', samples > 0 && seeds.join(', ')],
    ['Took', formatSeconds(seconds)],
    ['SHA-256', model.digest ?? undefined],
  ] as const
  const { html } = markup`<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy()}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Audit · ${model.file}</title>
<style>${trusted(style)}</style></head>
<body><header><p class="brand">${logo} Gauntlet</p><h1>Audit of ${model.file}</h1>
<dl>${facts.flatMap(([name, value]) => (value ? [markup`<div><dt>${name}</dt><dd>${value}</dd></div>`] : []))}</dl></header>
<main><section class="verdict ${verdict.tone}" aria-labelledby="verdict"><p class="badge">${verdict.badge}</p><div class="why"><h2 id="verdict">${verdict.title}</h2><p class="change">${verdict.text}</p></div></section>
${audit.findings.length > 0 && section('findings', 'Findings', findingTable(audit.findings))}
${audit.classes.length > 0 && section('classes', 'Triggers by class', classTable(audit))}
${pictures.length > 0 && section('triggers', 'The triggers', tiles(audit, pictures))}
${audit.diff && section('changes', `What changed since ${audit.previous?.file ?? ''}`, diffSection(audit.diff))}
</main>
<script>${trusted(script)}</script></body></html>`
  return `<!doctype html>\n${html}\n`
}

interface Verdict {
  readonly tone: 'fail' | 'pass' | 'inconclusive'
  readonly badge: string
  readonly title: string
  readonly text: string
}

function verdictOf({
  status,
  reason,
  flagged,
  newlyReachable,
  findings,
  classes,
}: ModelAudit): Verdict {
  const named = (labels: readonly number[]): string =>
    labels.map((label) => nameOf(classes[label] ?? { label })).join(', ')
  if (flagged.length > 0)
    return {
      tone: 'fail',
      badge: 'FLAGGED',
      title: `A small trigger leads to class ${named(flagged)}`,
      text: 'The trigger is far smaller than those that lead to the other classes: likely a backdoor.',
    }
  if (newlyReachable.length > 0)
    return {
      tone: 'fail',
      badge: 'NEWLY REACHABLE',
      title: `Class ${named(newlyReachable)} became reachable by a small trigger`,
      text: 'It took a much larger one in the previous version.',
    }
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (errors > 0)
    return {
      tone: 'fail',
      badge: status === 'scanned' ? 'NOT RUN' : 'SUSPICIOUS',
      title: `${formatCounted(errors, 'error')} found`,
      text: status === 'scanned' ? `The model was not run: ${reason ?? ''}.` : 'See the findings.',
    }
  if (status === 'scanned')
    return {
      tone: 'inconclusive',
      badge: 'SCANNED',
      title: 'The file was read, the model was not run',
      text: `Nothing is known of its classes: ${reason ?? ''}.`,
    }
  return {
    tone: 'pass',
    badge: 'CLEAR',
    title: 'No class stands out',
    text: 'No class is reached by a trigger that is small beside those of the others. A backdoor of one source class, or with a trigger that follows the sample, may still be there.',
  }
}

function findingTable(findings: readonly AuditFinding[]): Markup {
  return markup`<table><thead><tr><th scope="col">Severity</th><th scope="col">Signal</th><th scope="col">What was seen</th></tr></thead>
<tbody>${findings.map(({ severity, signal, where, text }) => markup`<tr><td><span class="chip ${tones[severity]}">${severity}</span></td><td><code>${signal}</code></td><td>${where && `${where}: `}${text}</td></tr>`)}</tbody></table>`
}

const tones = { error: 'trust-void', warning: 'trust-medium', note: '' } as const

function classTable({ classes, previous }: ModelAudit): Markup {
  const shared = ['× median', 'index', 'reach'].map(column)
  return framed(
    'Triggers by class',
    markup`<table data-sortable><caption><span>The least trigger found that sends samples of all other classes to a class, medians over the seeds. Patch: pixels covered; additive: L2 norm. Index: deviations below the median size, above 2 is an outlier. Reach: share of samples, not searched with, that it sends there.</span></caption>
<thead><tr><th scope="col">Class</th>${column('patch size')}${shared}${column('additive size')}${shared}${previous && column('× previous')}<th scope="col">Verdict</th></tr></thead>
<tbody>${classes.map((one) => markup`<tr${one.flagged || one.newlyReachable ? trusted(' class="key"') : ''}><th scope="row">${nameOf(one)}</th>${cells(one.forms.patch)}${cells(one.forms.additive)}${previous && sinceCell(one)}<td>${verdictCell(one)}</td></tr>`)}</tbody></table>`,
  )
}

function cells({ size, ratio, index, reach, flagged }: FormAudit): Markup {
  const tone = flagged ? 'n value worse' : 'n'
  return markup`<td class="${tone}">${number(size)}</td><td class="${tone}">${decimal(ratio)}${track(ratio, flagged)}</td><td class="${tone}">${decimal(index)}</td><td class="${tone}">${percent(reach)}</td>`
}

/** Where the size lies between 0 and twice the median. */
function track(ratio: number | null, flagged: boolean): Markup {
  const at = Math.min(1, Math.max(0, (ratio ?? 2) / 2))
  return markup`<span class="bar diff ${flagged ? 'worse' : ''}" aria-hidden="true"><b style="left:${(100 * at).toFixed(1)}%"></b></span>`
}

function sinceCell({ since }: AuditedClass): Markup {
  const least = Object.values(since ?? {})
    .filter(({ ratio }) => ratio !== null)
    .toSorted((a, b) => a.ratio! - b.ratio!)[0]
  if (!least) return markup`<td class="n muted">?</td>`
  const tone = least.newlyReachable ? 'n value worse' : 'n'
  return markup`<td class="${tone}">${decimal(least.ratio)} <span class="ci block">${decimal(least.low)} to ${decimal(least.high)}</span></td>`
}

function verdictCell({ flagged, newlyReachable }: AuditedClass): Markup {
  if (!flagged && !newlyReachable) return markup`<span class="muted">–</span>`
  return markup`${flagged && markup`<span class="chip worse">flagged</span> `}${newlyReachable && markup`<span class="chip worse">newly reachable</span>`}`
}

function tiles({ classes }: ModelAudit, pictures: readonly TriggerPngs[]): Markup {
  const isHot = ({ picture }: TriggerPngs): boolean => {
    const one = classes[picture.label]
    return (one?.flagged || one?.newlyReachable) ?? false
  }
  const order = [...pictures.filter(isHot), ...pictures.filter((one) => !isHot(one))]
  return markup`<ul class="tiles">${order.map((one) => tile(one, classes[one.picture.label]))}</ul>`
}

function tile(
  { picture, width, height, trigger, clean, stamped, fullScale }: TriggerPngs,
  one: AuditedClass | undefined,
): Markup {
  const form = one?.forms[picture.form]
  const name = nameOf(one ?? picture)
  const image = (source: string, alt: string, text: string): Markup =>
    markup`<figure><img src="${source}" width="${width}" height="${height}" alt="${alt}" class="pixelated"><figcaption>${text}</figcaption></figure>`
  const kind = picture.form === 'patch' ? 'patch' : 'additive trigger'
  return markup`<li class="tile"><p class="classes"><span><small>${kind} to</small> <strong${form?.flagged ? trusted(' class="wrong"') : ''}>${name}</strong></span></p>
<div class="triple">${image(trigger, `The ${kind} that leads to class ${name}`, fullScale === undefined ? 'trigger' : `trigger ±${formatNumber(fullScale)}`)}${image(clean, 'A clean sample of another class', 'clean')}${image(stamped, 'The same sample with the trigger', 'with it')}</div>
<p class="muted small">size ${number(form?.size ?? null)}, ${decimal(form?.ratio ?? null)} of the median, index ${decimal(form?.index ?? null)}</p></li>`
}

const nameOf = ({
  label,
  name,
}: {
  readonly label: number
  readonly name?: string | undefined
}): string => (name === undefined ? String(label) : `${label} ${name}`)

/** Sizes at three digits; ratios and indices at two decimals, one under another. */
const number = (value: number | null): string => (value === null ? '?' : formatNumber(value))
const decimal = (value: number | null): string =>
  value === null ? '?' : value.toFixed(2).replace('-', '−')

const percent = (share: number): string => `${Math.round(100 * share)} %`

const column = (name: string): Markup => markup`<th scope="col" class="n">${name}</th>`
