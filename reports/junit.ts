import type { RuleResult } from '../src/gate/types.js'
import type { Reporter, RunReport } from '../src/reporter.js'
import { formatCounted } from '../src/stats/format.js'
import { missingFrom, ruleState } from './view.js'

/**
 * JUnit XML for CI: one test case per gate rule, one that says whether the run is complete, one per
 * problem. A failing rule is a `failure`; what could not be decided or did not run is an `error`.
 */
export const junit: Reporter = {
  id: 'junit',
  fileName: 'junit.xml',
  describe: 'gate rules and problems as test cases for a CI server',
  render: async (report) => {
    const suites = [gateSuite(report), runSuite(report)].filter((suite) => suite.cases.length > 0)
    const all = suites.flatMap((suite) => suite.cases)
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites${attributes({ name: report.title, ...totals(all) })}>`,
      ...suites.flatMap((suite) => suiteLines(report, suite)),
      '</testsuites>',
      '',
    ].join('\n')
  },
}

interface Case {
  readonly name: string
  readonly outcome: 'passed' | 'failure' | 'error' | 'skipped'
  readonly type: string
  /** Why; printed beside passed cases too. */
  readonly message: string
}

interface Suite {
  readonly name: string
  readonly cases: readonly Case[]
}

function gateSuite({ gate, suite }: RunReport): Suite {
  return { name: `gauntlet.gate.${suite}`, cases: gate?.rules.map(ruleCase) ?? [] }
}

function ruleCase(rule: RuleResult): Case {
  const base = { name: rule.id, type: rule.kind, message: rule.reason }
  const state = ruleState(rule)
  switch (state) {
    case 'pass':
      return { ...base, outcome: 'passed' }
    case 'fail':
      return { ...base, outcome: 'failure' }
    case 'inconclusive':
      return { ...base, outcome: 'error' }
    case 'warning':
      return {
        ...base,
        outcome: 'passed',
        message: `warning only (${rule.verdict}): ${rule.reason}`,
      }
    case 'waived':
      return {
        ...base,
        outcome: 'skipped',
        message: `waived until ${rule.waived?.expires} (${rule.waived?.reason}): ${rule.reason}`,
      }
    case 'off':
      return { ...base, outcome: 'skipped', message: 'rule is off' }
  }
}

function runSuite(report: RunReport): Suite {
  const missing = missingFrom(report)
  const ran: Case = {
    name: 'run is complete',
    type: 'run',
    outcome: missing === undefined ? 'passed' : 'error',
    message: missing ?? completeText(report),
  }
  // A gate whose verdict no rule explains must still stop a build that looks only at this file.
  const verdict = report.gate?.verdict ?? 'pass'
  const explained = report.gate?.rules.some((rule) =>
    ['fail', 'inconclusive'].includes(ruleState(rule)),
  )
  const unexplained: Case[] =
    verdict === 'pass' || explained
      ? []
      : [{ name: 'gate verdict', type: 'gate', outcome: 'error', message: `gate is ${verdict}` }]
  const problems = report.problems.map((problem, i): Case => ({
    name: `problem ${i + 1}`,
    type: 'task',
    outcome: 'error',
    message: problem,
  }))
  return { name: `gauntlet.run.${report.suite}`, cases: [ran, ...unexplained, ...problems] }
}

function completeText({ cells, poisoning }: RunReport): string {
  const parts = [
    (cells.length > 0 || !poisoning) && `${cells.length} cells, all samples`,
    poisoning && `${formatCounted(poisoning.cells.length, 'cell')} of poisons, all trials`,
  ].filter(Boolean)
  return parts.join('; ')
}

function suiteLines(report: RunReport, { name, cases }: Suite): string[] {
  return [
    `  <testsuite${attributes({ name, ...totals(cases), timestamp: report.createdAt })}>`,
    ...cases.flatMap((test) => caseLines(name, test)),
    '  </testsuite>',
  ]
}

function caseLines(suite: string, { name, outcome, type, message }: Case): string[] {
  const open = `    <testcase${attributes({ name, classname: suite, time: 0 })}>`
  const body =
    outcome === 'passed'
      ? `      <system-out>${escapeXml(message)}</system-out>`
      : outcome === 'skipped'
        ? `      <skipped${attributes({ message })}/>`
        : `      <${outcome}${attributes({ message, type })}>${escapeXml(message)}</${outcome}>`
  return [open, body, '    </testcase>']
}

function totals(cases: readonly Case[]): Record<string, number> {
  const having = (outcome: Case['outcome']) => cases.filter((c) => c.outcome === outcome).length
  return {
    tests: cases.length,
    failures: having('failure'),
    errors: having('error'),
    skipped: having('skipped'),
  }
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`)
    .join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;',
  '\n': '&#10;', '\r': '&#13;', '\t': '&#9;',
} // prettier-ignore

/** Characters that XML 1.0 forbids, even as references (section 2.2), become U+FFFD. */
function escapeXml(text: string): string {
  return text
    .replace(/\p{Cs}|[^\P{Cc}\t\n\r]|[\uFFFE\uFFFF]/gu, '\uFFFD')
    .replace(/[&<>"'\n\r\t]/g, (char) => entities[char] ?? char)
}
