import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { renderConsole, renderGate } from '../../../reports/console.js'
import { wilson } from '../../../src/stats/proportion.js'
import * as samples from '../../helpers/sample-report.js'

const demoSized = [
  ['fail', samples.failingReport()],
  ['pass', samples.passingReport()],
  ['inconclusive', samples.inconclusiveReport()],
  ['no gate', samples.ungatedReport()],
  ['one version', samples.singleVersionReport()],
  ['hostile', samples.hostileReport('name that goes on and on ')],
] as const

describe.each([80, 100])('console at %i columns', (width) => {
  it.each(demoSized)('shows a demo-sized run whole on one screen: %s', (_, report) => {
    const lines = renderConsole(report, { width }).split('\n')
    expect(lines.length).toBeLessThanOrEqual(24)
    for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(width)
    const rows = report.comparisons.length || report.cells.length
    expect(lines.filter((line) => / {2}(< )?\S*\d$|\d\.\d s$/.test(line)).length).toBe(rows)
  })
})

describe('console', () => {
  it('puts the verdict first, then the reason, then clean accuracy and worst cases', () => {
    const text = renderConsole(samples.failingReport())
    const order = [
      'FAIL',
      'robustness-holds',
      '3 rules passed',
      'clean accuracy  ',
      'worst case  ',
      'PGD-40  ',
    ]
    const positions = order.map((part) => text.indexOf(part))
    expect(positions.every((position) => position >= 0)).toBe(true)
    expect(positions).toEqual([...positions].sort((a, b) => a - b))
  })

  it('colours on request and is the same text otherwise', () => {
    const report = samples.failingReport()
    const coloured = renderConsole(report, { color: true })
    expect(coloured).toContain('\u001B[31mFAIL\u001B[0m')
    expect(stripVTControlCharacters(coloured)).toBe(renderConsole(report))
  })

  it('lets no escape sequence of a name reach the terminal', () => {
    const text = renderConsole(samples.hostileReport('\u001B]0;title\u0007\u009B31m'), {
      color: true,
    })
    expect(stripVTControlCharacters(text)).not.toMatch(/(?=\p{Cc})[^\n]/u)
    expect(text).not.toContain('\u001B]')
  })

  it('says how many rows it left out, and leaves none out when asked', () => {
    const report = samples.failingReport()
    const short = renderConsole(report, { maxLines: 14 }).split('\n')
    expect(short).toHaveLength(14)
    expect(short.at(-1)).toMatch(/^p: .*one-sided/)
    expect(short.at(-2)).toBe('… 9 more comparison lines in the report')
    expect(renderConsole(report, { maxLines: Infinity })).not.toContain('…')
  })

  it.each([80, 100])(
    'keeps three versions with long names to one screen of %i columns',
    (width) => {
      const lines = renderConsole(samples.threeVersionsReport(), { width }).split('\n')
      expect(lines).toHaveLength(24)
      for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(width)
      expect(lines.at(-1)).toMatch(/^p: .*one-sided/)
      expect(lines.at(-2)).toMatch(/^… \d+ more comparison lines in the report$/)
    },
  )

  it('shows long names in full, for two cut names may look alike', () => {
    const lines = renderConsole(samples.threeVersionsReport(), { maxLines: Infinity }).split('\n')
    const titles = lines.filter((line) => line.includes(' → 2026'))
    expect(titles).toEqual([
      '2026.02-adversarial → 2026.03-distilled',
      '2026.01-base → 2026.02-adversarial',
    ])
    expect(lines.filter((line) => /threat {2}baseline {2}candidate/.test(line))).toHaveLength(2)
  })

  it('tells what did not run from what was cut short', () => {
    const report = samples.singleVersionReport()
    const none = wilson(0, 0)
    const cells = report.cells.map((cell, i) =>
      i === 0
        ? { ...cell, complete: false, samples: 0, robustAccuracy: none, attackSuccess: none }
        : { ...cell, complete: i > 1 },
    )
    const lines = renderConsole({ ...report, cells }, { width: 100, maxLines: Infinity }).split(
      '\n',
    )
    const [first, second] = lines.filter((line) => /v1, Uniform/.test(line))
    expect(first).toMatch(/Uniform noise \(did not run\) .* n\/a/)
    expect(second).toMatch(/Uniform noise \(incomplete\) .* %/)
  })

  it('gives the gate alone', () => {
    const text = renderGate(samples.failingReport())
    expect(text).toContain('✗ robustness-holds')
    expect(text).not.toContain('p (Holm)')
  })

  it('names what a partial run lacks', () => {
    expect(renderGate(samples.inconclusiveReport(), { width: 100 })).toContain(
      '! numbers are of what was done: run is incomplete, 1 of 18 cells lacking samples, 1 problem',
    )
  })
})
