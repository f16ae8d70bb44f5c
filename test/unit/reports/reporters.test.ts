import { describe, expect, it } from 'vitest'
import { reporterById, reporters } from '../../../reports/index.js'
import type { RunReport } from '../../../src/reporter.js'
import * as samples from '../../helpers/sample-report.js'

const hostile = samples.hostileReport('<script>alert(1)</script>\u0000\u001B[31m\n|`"\'&=')

const reports: readonly (readonly [string, RunReport])[] = [
  ['failing gate', samples.failingReport()],
  ['passing gate', samples.passingReport()],
  ['inconclusive, incomplete', samples.inconclusiveReport()],
  ['no gate', samples.ungatedReport()],
  ['three versions', samples.threeVersionsReport()],
  ['one version', samples.singleVersionReport()],
  ['tabular data', samples.tabularReport()],
  ['hostile names', hostile],
  ['nothing ran', samples.emptyReport()],
]

describe('the list of reporters', () => {
  it('has unique ids and file names', () => {
    expect(new Set(reporters.map((reporter) => reporter.id)).size).toBe(reporters.length)
    expect(new Set(reporters.map((reporter) => reporter.fileName)).size).toBe(reporters.length)
  })

  it('finds a reporter by id and names the known ones when there is none', () => {
    expect(reporterById('junit').fileName).toBe('junit.xml')
    expect(() => reporterById('pdf')).toThrow(
      /unknown report format: got "pdf", expected one of html, /,
    )
  })
})

describe.each(reporters.map((reporter) => [reporter.id, reporter] as const))(
  '%s',
  (_id, reporter) => {
    it.each(reports)(
      'renders %s: same text twice, ends in a newline, no control characters',
      async (_, report) => {
        const text = await reporter.render(report)
        expect(await reporter.render(report)).toBe(text)
        expect(text.endsWith('\n')).toBe(true)
        expect(text).not.toMatch(/(?=\p{Cc})[^\t\n\r]/u)
        // Code and pixels may hold these by right.
        const shown = text.replace(/<script>[^]*<\/script>|base64,[^"]*/g, '')
        expect(shown).not.toMatch(/NaN|undefined|\[object/)
      },
    )

    it('leaves the report as it was', async () => {
      const report = samples.failingReport()
      await reporter.render(report)
      expect(report).toEqual(samples.failingReport())
    })
  },
)

/** Typography differs per format (line breaks, no-break spaces): compare words. */
function words(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/&lt;/g, '<')
}

describe.each(['html', 'markdown', 'junit', 'console'])(
  '%s says what was decided and why',
  (id) => {
    it.each([
      ['FAIL', samples.failingReport()],
      ['INCONCLUSIVE', samples.inconclusiveReport()],
    ] as const)('%s', async (verdict, report) => {
      const text = words(await reporterById(id).render(report))
      if (id !== 'junit') expect(text).toContain(verdict)
      const against = report.gate?.rules.filter((rule) => rule.verdict !== 'pass') ?? []
      expect(against).toHaveLength(1)
      for (const rule of against) expect(text).toContain(words(rule.reason))
    })
  },
)
