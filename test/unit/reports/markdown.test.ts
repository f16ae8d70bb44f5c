import { describe, expect, it } from 'vitest'
import { markdown } from '../../../reports/markdown.js'
import * as samples from '../../helpers/sample-report.js'

describe('markdown', () => {
  it('begins with the verdict and shows one table before the folded parts', async () => {
    const text = await markdown.render(samples.failingReport())
    expect(text.split('\n')[0]).toBe('## ❌ FAIL: v2 fails 1 of 4 gate rules')
    const [open = '', ...folded] = text.split('<details>')
    expect(open.match(/^\| :--/gm)).toHaveLength(1)
    expect(open).toContain('**−40.2 pp**')
    expect(folded).toHaveLength(3)
  })

  it('says that numbers are partial before any number', async () => {
    const text = await markdown.render(samples.inconclusiveReport())
    expect(text).toContain('> ⚠️ Numbers are of what was done: run is incomplete')
    expect(text.indexOf('Numbers are of')).toBeLessThan(text.indexOf('pp'))
  })

  it('keeps every table row in its columns and lets no HTML or mention through', async () => {
    const text = await markdown.render(samples.hostileReport('|a`b\n|<img src=x>@team#1 [x](y) '))
    const tables = text.split('\n\n').filter((block) => block.startsWith('|'))
    expect(tables.length).toBeGreaterThan(2)
    for (const table of tables) {
      const widths = table.split('\n').map((row) => row.match(/(?<!\\)\|/g)?.length)
      expect(new Set(widths).size).toBe(1)
    }
    expect(text).not.toMatch(/<(?!\/?(details|summary)>)/)
    expect(text).not.toContain('@team')
    expect(text).not.toMatch(/(?<!\\)[`[#](?!#|# )(?=b|x|1)/)
  })

  it('stays under the size a comment may have', async () => {
    const report = samples.failingReport()
    const cells = Array.from({ length: 60 }, () => report.cells).flat()
    const text = await markdown.render({ ...report, cells })
    expect(text).toContain('1,020 more rows in the other formats.')
    expect(text.length).toBeLessThan(65_536)
  })
})
