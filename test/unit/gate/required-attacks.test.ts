import { describe, expect, it } from 'vitest'
import { evaluateGate } from '../../../src/gate/evaluate.js'
import type { GateRule } from '../../../src/gate/types.js'
import { cell, samples, version } from './build.js'

function at(levels: number): { readonly epsilon: number } {
  return { epsilon: levels / 255 }
}

describe('required attacks', () => {
  const fgsm = { attack: 'fgsm', label: 'FGSM' }
  const required: GateRule = { id: 'ran', kind: 'required-attacks', attacks: ['fgsm', 'PGD-40'] }
  const both = [cell(samples(5, 5)), cell(samples(6, 4), fgsm)]

  it.each([
    {
      label: 'both ran',
      cells: both,
      verdict: 'pass',
      reason: /^fgsm, PGD-40 ran to the end on all 10 samples at L∞ 8\/255$/,
    },
    {
      label: 'one is missing',
      cells: both.slice(0, 1),
      verdict: 'inconclusive',
      reason: /fgsm did not run on v2 at L∞ 8\/255$/,
    },
    {
      label: 'one is missing at one epsilon',
      cells: [...both, cell(samples(5, 5), at(4))],
      verdict: 'inconclusive',
      reason: /fgsm did not run on v2 at L∞ 4\/255$/,
    },
    {
      label: 'a scope narrows where it is asked',
      scope: { epsilon: 8 / 255 },
      cells: [...both, cell(samples(5, 5), at(4))],
      verdict: 'pass',
      reason: /at L∞ 8\/255$/,
    },
    {
      label: 'one is incomplete',
      cells: [cell(samples(5, 5)), cell(samples(6, 4), { ...fgsm, complete: false })],
      verdict: 'inconclusive',
      reason: /FGSM at L∞ 8\/255 on v2 is incomplete/,
    },
    {
      label: 'one covers fewer samples',
      cells: [cell(samples(5, 5)), cell(samples(3, 2), fgsm)],
      verdict: 'inconclusive',
      reason: /fgsm at L∞ 8\/255 on v2 covers 5 of 10 samples/,
    },
    {
      label: 'nothing ran',
      cells: [],
      verdict: 'inconclusive',
      reason: /no result matches this rule/,
    },
    {
      label: 'both are missing twice',
      cells: [
        cell(samples(1, 1), { attack: 'cw', label: 'CW' }),
        cell(samples(1, 1), { attack: 'cw', label: 'CW', norm: 'l2', epsilon: 1 }),
      ],
      verdict: 'inconclusive',
      reason: /fgsm did not run on v2 at L2 1; 3 more gaps like it$/,
    },
  ])('$verdict: $label', ({ cells, scope, verdict, reason }) => {
    const gate = evaluateGate({
      baseline: null,
      rules: [{ ...required, scope }],
      candidate: version('v2', cells),
    })
    expect(gate.rules[0]?.reason).toMatch(reason)
    expect(gate.verdict).toBe(verdict)
  })

  it('asks for planned epsilons too', () => {
    const gate = evaluateGate({
      baseline: null,
      rules: [required],
      candidate: version('v2', both),
      requiredCells: [{ ...fgsm, norm: 'linf', ...at(16) }],
    })
    expect(gate.verdict).toBe('inconclusive')
    expect(gate.rules[0]?.reason).toMatch(/L∞ 16\/255; 1 more gap like it$/)
  })
})
