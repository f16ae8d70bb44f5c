import { describe, expect, it } from 'vitest'
import { junit } from '../../../reports/junit.js'
import type { RuleResult } from '../../../src/gate/types.js'
import type { RunReport } from '../../../src/reporter.js'
import * as samples from '../../helpers/sample-report.js'
import { findAll, parseXml, type XmlElement } from '../../helpers/xml.js'

async function render(report: RunReport): Promise<XmlElement> {
  return parseXml(await junit.render(report))
}

/** Outcome element of each test case by its name; `system-out` means passed. */
async function outcomes(report: RunReport): Promise<Record<string, string>> {
  const cases = findAll(await render(report), 'testcase')
  return Object.fromEntries(cases.map((c) => [c.attributes['name'], c.children[0]?.name ?? 'none']))
}

function withRule(change: Partial<RuleResult>): RunReport {
  const report = samples.failingReport()
  const [first, ...rest] = report.gate?.rules ?? []
  if (!report.gate || !first) throw new Error('the sample has a gate')
  return { ...report, gate: { ...report.gate, rules: [{ ...first, ...change }, ...rest] } }
}

describe('junit', () => {
  it('makes a failing rule a failure and says that the run is complete', async () => {
    expect(await outcomes(samples.failingReport())).toEqual({
      'robustness-holds': 'failure',
      'clean-holds': 'system-out',
      'clean-floor': 'system-out',
      'attacks-ran': 'system-out',
      'run is complete': 'system-out',
    })
  })

  it('makes what cannot be decided, an incomplete run and each problem an error', async () => {
    expect(await outcomes(samples.inconclusiveReport())).toMatchObject({
      'attacks-ran': 'error',
      'run is complete': 'error',
      'problem 1': 'error',
    })
  })

  it.each([
    ['waived', { waived: { reason: 'known', expires: '2026-12-31' } }, 'skipped'],
    ['only a warning', { level: 'warn' }, 'system-out'],
    ['off', { level: 'off' }, 'skipped'],
  ] as const)('does not fail the build when the rule is %s', async (_, change, outcome) => {
    expect(await outcomes(withRule(change))).toMatchObject({ 'robustness-holds': outcome })
  })

  it('still stops the build when no rule explains a verdict that is not a pass', async () => {
    const report = samples.failingReport()
    const gate = { baseline: null, candidate: 'v2', rules: [], verdict: 'inconclusive' } as const
    expect(await outcomes({ ...report, gate })).toMatchObject({ 'gate verdict': 'error' })
  })

  it('counts what it lists, per suite and in all', async () => {
    const root = await render(samples.inconclusiveReport())
    for (const suite of [root, ...findAll(root, 'testsuite')]) {
      const having = (name: string) => String(findAll(suite, name).length)
      expect(suite.attributes).toMatchObject({
        tests: having('testcase'),
        failures: having('failure'),
        errors: having('error'),
        skipped: having('skipped'),
      })
    }
  })

  it('is well-formed whatever the names are, and keeps what XML can hold', async () => {
    const text = 'a<b>&"\'\n\t]]>\u0000\u0008\u001B\uFFFF\uD800 é 漢 😀'
    const [first] = findAll(await render(samples.hostileReport(text)), 'failure')
    expect(first?.attributes['message']).toBe(
      'a<b>&"\'\n\t]]>\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD é 漢 😀',
    )
  })
})
