import { expect, it } from 'vitest'
import { rateTrust } from '../../../src/trust/rate.js'
import type { Finding, Severity, Trust } from '../../../src/trust/types.js'

const raise = (severity: Severity, ...signals: string[]): Finding[] =>
  signals.map((signal) => ({ signal, severity, version: 'v1', where: '', text: '' }))

const rows: readonly (readonly [label: string, findings: readonly Finding[], trust: Trust])[] = [
  ['nothing', [], 'high'],
  ['notes', raise('note', 'E16', 'E19', 'E20'), 'high'],
  ['one warning', raise('warning', 'P15'), 'medium'],
  ['two warnings', raise('warning', 'P15', 'E17'), 'medium'],
  ['three warnings', raise('warning', 'P15', 'E17', 'E25'), 'low'],
  ['one warning at many epsilons', raise('warning', 'E17', 'E17', 'E17', 'E17'), 'medium'],
  ['four looks at masked gradients', raise('warning', 'E2', 'E3', 'E4', 'P10'), 'medium'],
  ['masked, stopped early, few samples', raise('warning', 'E2', 'E3', 'E7', 'P15'), 'low'],
  ['an error among notes', [...raise('note', 'E16'), ...raise('error', 'E2')], 'void'],
]

it.each(rows)('%s', (_label, findings, trust) => {
  expect(rateTrust(findings)).toBe(trust)
})
