import { parseHTML } from 'linkedom'
import { describe, expect, it } from 'vitest'
import { renderConsole } from '../../../reports/console.js'
import { html } from '../../../reports/html.js'
import { json } from '../../../reports/json.js'
import { markdown } from '../../../reports/markdown.js'
import type { FindingView, RunReport } from '../../../src/reporter.js'
import { failingReport } from '../../helpers/sample-report.js'

const finding = (signal: string, severity: FindingView['severity'], where = ''): FindingView => ({
  signal,
  severity,
  version: 'v2',
  where,
  text: `saw <b>${signal}</b>`,
  title: `title of ${signal}`,
  remedy: `do what ${signal} asks for`,
})

const report: RunReport = {
  ...failingReport(),
  trust: [
    { version: 'v1', trust: 'high', findings: [finding('E19', 'note')] },
    {
      version: 'v2',
      trust: 'void',
      findings: [
        finding('E5', 'error', 'PGD-100'),
        finding('E5', 'error', 'PGD-200'),
        ...['P8', 'P10', 'E7', 'E13'].map((signal) => finding(signal, 'warning')),
      ],
    },
  ],
}

describe('trust in a version', () => {
  it('in the terminal: worst first, each signal once, what to do, the rest counted', () => {
    const text = renderConsole(report, { width: 200, maxLines: Infinity })
    expect(text).toContain('trust in v2 is void: 1 signal invalidates it, 4 signals lower it')
    expect(text).toContain(
      'E5 (PGD-100) saw <b>E5</b>; 1 more like it; what to do: do what E5 asks for',
    )
    expect(text).toContain('and 2 more signals in the report')
    expect(text).not.toContain('trust in v1')
  })

  it('in Markdown and HTML: every signal, escaped', async () => {
    const [page, comment] = [await html.render(report), await markdown.render(report)]
    for (const signal of ['E5', 'P8', 'P10', 'E7', 'E13']) {
      expect(page).toContain(`title of ${signal}`)
      expect(comment).toContain(`do what ${signal} asks for`)
    }
    expect(page).toContain('saw &lt;b&gt;E5&lt;/b&gt;')
    expect(page).not.toContain('<b>E5')
    expect(comment).not.toContain('<b>E5')
    expect(page).toMatch(/v1<br><span class="chip trust-high">high<\/span>/)
  })

  it('marks what is void wherever its numbers stand', async () => {
    const says = 'void: the evaluation of v2 is not valid'
    const { document } = parseHTML(await html.render(report))
    const rows = [...document.querySelectorAll('.versions tbody th')]
    expect(rows.map(({ textContent }) => textContent)).toEqual(['v1', 'v2 void'])
    const [heading] = [...document.querySelectorAll('h3')].filter((one) =>
      one.textContent.startsWith('v1 → v2 void'),
    )
    expect(heading?.textContent).toContain(says)
    expect(renderConsole(report, { width: 100, maxLines: Infinity })).toContain(says)
    const text = await markdown.render(report)
    expect(text).toContain(`| v2 ⚠️ void |`)
    expect(text).toContain(says)
    for (const one of [failingReport(), { ...report, trust: report.trust!.slice(0, 1) }])
      expect(
        (await markdown.render(one)) + renderConsole(one) + (await html.render(one)),
      ).not.toMatch(/void: |⚠️ void|>void</)
  })

  it('in JSON as it is; null where nobody asked', async () => {
    expect((JSON.parse(await json.render(report)) as RunReport).trust).toEqual(report.trust)
    expect(JSON.parse(await json.render(failingReport()))).toMatchObject({ trust: null })
    expect(await html.render(failingReport())).not.toContain('id="trust"')
  })
})
