import type { FindingView, RunReport } from '../../src/reporter.js'
import { signalsOf, trustSubject, trustText } from '../trust.js'
import { markup, trusted, type Markup } from './markup.js'
import { framed } from './tables.js'

const names: Readonly<Record<FindingView['severity'], string>> = {
  error: 'invalidates',
  warning: 'lowers trust',
  note: 'note',
}

/** What the harness found out about its own evaluation, version by version; empty where it was not asked. */
export function trustSection(report: RunReport): Markup {
  if (!report.trust) return trusted('')
  return markup`<section class="card" aria-labelledby="trust"><h2 id="trust">Trust</h2>
${framed(
  'Trust',
  markup`<table><caption><span>Whether the evaluation means what it seems to. <code>gauntlet explain E5</code> tells more of a signal.</span></caption>
<thead><tr><th scope="col">Version</th><th scope="col">Signal</th><th scope="col">What was seen</th><th scope="col">What to do</th></tr></thead>
<tbody>${report.trust.map((view) => {
    const signals = signalsOf(view.findings)
    const head = markup`<th scope="row" rowspan="${Math.max(1, signals.length)}">${trustSubject(view)}<br><span class="chip trust-${view.trust}">${trustText(view)}</span></th>`
    if (signals.length === 0)
      return markup`<tr>${head}<td colspan="3" class="muted">no signal was raised</td></tr>`
    return signals.map(
      (one, i) =>
        markup`<tr>${i === 0 && head}<td><code>${one.signal}</code> ${one.title} <span class="muted">(${names[one.severity]})</span></td><td>${one.where && `${one.where}: `}${one.text}${one.more > 0 && `; ${one.more} more like it`}</td><td>${one.remedy}</td></tr>`,
    )
  })}</tbody></table>`,
)}</section>`
}
