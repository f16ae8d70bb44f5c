import { createHash } from 'node:crypto'
import { parseHTML } from 'linkedom'
import { describe, expect, it } from 'vitest'
import { html } from '../../../reports/html.js'
import type { RunReport } from '../../../src/reporter.js'
import * as samples from '../../helpers/sample-report.js'

async function pageOf(report: RunReport): Promise<Document> {
  return parseHTML(await html.render(report)).document
}

function texts(page: Document, selector: string): string[] {
  return [...page.querySelectorAll(selector)].map((element) => element.textContent ?? '')
}

describe('html', () => {
  it('needs nothing from outside', async () => {
    const page = await pageOf(samples.failingReport())
    expect(page.querySelectorAll('link, iframe, object, script[src]')).toHaveLength(0)
    const sources = [...page.querySelectorAll('[src]')].map((e) => e.getAttribute('src') ?? '')
    expect(sources.length).toBeGreaterThan(0)
    for (const source of sources) expect(source).toMatch(/^data:image\/png;base64,/)
    expect(texts(page, 'style').join('')).not.toMatch(/url\(|@import/)
  })

  it('allows exactly its own script', async () => {
    const page = await pageOf(samples.failingReport())
    const [script = ''] = texts(page, 'script')
    const policy = page.querySelector('meta[http-equiv]')?.getAttribute('content')
    const hash = createHash('sha256').update(script).digest('base64')
    expect(policy).toContain(`script-src 'sha256-${hash}'`)
    expect(policy).toContain("default-src 'none'")
  })

  it.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onload='x",
    '</svg><b>',
    '&lt;',
  ])('shows %j as text wherever a name can stand', async (text) => {
    const page = await pageOf(samples.hostileReport(text))
    const plain = await pageOf(samples.failingReport())
    for (const tag of ['script', 'b', 'style'])
      expect(page.querySelectorAll(`${tag}:not(.bar *)`).length, tag).toBe(
        plain.querySelectorAll(`${tag}:not(.bar *)`).length,
      )
    expect(page.querySelectorAll('[onerror], [onload], img[src="x"]')).toHaveLength(0)
    expect(texts(page, 'h1')).toEqual([text])
    expect(texts(page, '.versions tbody th')).toEqual([`${text}v1`, `${text}v2`])
    expect(page.querySelector('.chart svg title')?.textContent).toContain(text)
    expect(texts(page, '.tile strong')[0]).toBe(text)
    expect(texts(page, '.manifest code')[0]).toBe(text)
  })

  it('can be read with a screen reader: headings in order, captions, headers, alt texts', async () => {
    const page = await pageOf(samples.inconclusiveReport())
    expect(page.querySelectorAll('h1')).toHaveLength(1)
    let level = 0
    for (const heading of page.querySelectorAll('h1, h2, h3, h4')) {
      const next = Number(heading.tagName[1])
      expect(next, heading.textContent ?? '').toBeLessThanOrEqual(level + 1)
      level = next
    }
    for (const table of page.querySelectorAll('table')) {
      expect(table.querySelector('caption')?.textContent).toMatch(/\w/)
      for (const head of table.querySelectorAll('th'))
        expect(head.getAttribute('scope')).toMatch(/col|row/)
    }
    const alts = [...page.querySelectorAll('img')].map((img) => img.getAttribute('alt') ?? '')
    expect(alts[0]).toBe('Sample 17, clean: class 0, predicted 0')
    expect(new Set(alts.map((alt) => alt.length > 20))).toEqual(new Set([true]))
    const charts = [...page.querySelectorAll('.chart svg')]
    for (const chart of charts)
      expect(chart.getAttribute('aria-label')).toContain('v2: 98.2 % at 0')
  })

  it('draws a line, a band and a label per version, with ticks as levels of 255', async () => {
    const page = await pageOf(samples.failingReport())
    const wide = page.querySelector('.wide svg')
    expect(wide?.querySelectorAll('[aria-label="line"] path')).toHaveLength(2)
    expect(wide?.querySelectorAll('[aria-label="area"] path')).toHaveLength(2)
    const words = [...(wide?.querySelectorAll('text') ?? [])].map(
      (text) => text.firstChild?.textContent,
    )
    expect(words).toEqual(expect.arrayContaining(['0', '2/255', '4/255', '8/255', 'v1', 'v2']))
  })

  it('shows all comparisons, cells and pictures of the report', async () => {
    const report = samples.failingReport()
    const page = await pageOf(report)
    expect(page.querySelectorAll('#comparison-0 tbody tr')).toHaveLength(report.comparisons.length)
    expect(page.querySelectorAll('#attacks tbody tr')).toHaveLength(report.cells.length)
    expect(page.querySelectorAll('.tile')).toHaveLength(report.pictures.length)
    expect(page.querySelectorAll('.tile img')).toHaveLength(report.pictures.length * 3)
  })

  it('warns above the verdict when the run is partial, and only then', async () => {
    const partial = await pageOf(samples.inconclusiveReport())
    const order = texts(partial, '.banner h2, .badge')
    expect(order[0]).toMatch(/^Numbers are of what was done: run is incomplete/)
    expect(order[1]).toContain('INCONCLUSIVE')
    expect((await pageOf(samples.failingReport())).querySelector('.banner')).toBeNull()
  })

  it('shows changed values instead of pictures for tables', async () => {
    const page = await pageOf(samples.tabularReport())
    expect(page.querySelectorAll('.tile img')).toHaveLength(0)
    const rows = page.querySelectorAll('.tile:first-child .features tbody tr')
    expect(rows).toHaveLength(8)
    expect(rows[0]?.querySelector('th')?.textContent).toMatch(/^x\[\d+\]$/)
  })

  it('says how many pictures it left out', async () => {
    const report = samples.failingReport()
    const pictures = Array.from({ length: 5 }, () => report.pictures).flat()
    const page = await pageOf({ ...report, pictures })
    expect(texts(page, '#examples ~ h3')).toEqual([
      'v1 15 examples that fool it, 12 shown',
      'v2 30 examples that fool it, 12 shown',
    ])
  })
})
