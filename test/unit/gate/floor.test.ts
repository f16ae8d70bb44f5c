import { describe, expect, it } from 'vitest'
import { evaluateGate } from '../../../src/gate/evaluate.js'
import type { CellResults, GateRule, RuleResult, Verdict } from '../../../src/gate/types.js'
import { cell, samples, version } from './build.js'

const fgsm = { attack: 'fgsm', label: 'FGSM' }
const robust: GateRule = { id: 'r', kind: 'floor', metric: 'robustAccuracy', min: 0.6 }
const clean: GateRule = { id: 'c', kind: 'floor', metric: 'cleanAccuracy', min: 0.9 }

function only(rule: GateRule, cells: readonly CellResults[]): RuleResult {
  const gate = evaluateGate({ rules: [rule], baseline: null, candidate: version('v2', cells) })
  expect(gate.rules).toHaveLength(1)
  const [result] = gate.rules
  if (!result) throw new Error('no result')
  expect(gate.verdict).toBe(result.verdict)
  return result
}

const cases: readonly {
  readonly label: string
  readonly rule: GateRule
  readonly cells: readonly CellResults[]
  readonly verdict: Verdict
  readonly reason: RegExp
}[] = [
  {
    label: 'the interval lies above the limit',
    rule: robust,
    cells: [cell(samples(700, 300))],
    verdict: 'pass',
    reason:
      /^robust accuracy under worst case, L∞ 8\/255: 70\.0 % \(95 % CI 67\.1 to 72\.8, 1,000 samples\); required at least 60 %$/,
  },
  {
    label: 'the interval lies below the limit',
    rule: robust,
    cells: [cell(samples(500, 500))],
    verdict: 'fail',
    reason: /50\.0 % .*required at least 60 %$/,
  },
  {
    label: 'the interval holds the limit, estimate above',
    rule: robust,
    cells: [cell(samples(610, 390))],
    verdict: 'inconclusive',
    reason: /undecided, because the interval holds the limit; about 9,\d00 samples would decide/,
  },
  {
    label: 'the interval holds the limit, estimate below',
    rule: robust,
    cells: [cell(samples(590, 410))],
    verdict: 'inconclusive',
    reason: /59\.0 % .*undecided/,
  },
  {
    label: 'the estimate is the limit',
    rule: robust,
    cells: [cell(samples(600, 400))],
    verdict: 'inconclusive',
    reason: /no number of samples would decide/,
  },
  {
    label: 'less confidence decides what more does not',
    rule: { ...robust, confidence: 0.6 },
    cells: [cell(samples(615, 385))],
    verdict: 'pass',
    reason: /60 % CI/,
  },
  {
    label: 'the worst case over attacks is per sample, not per attack',
    rule: robust,
    // Each attack alone leaves 70 %; together they break 60 % of the samples.
    cells: [
      cell(samples(700, 300)),
      cell(
        samples(700, 300).map((one) => ({ ...one, robust: one.sample >= 300 })),
        fgsm,
      ),
    ],
    verdict: 'fail',
    reason: /worst case, L∞ 8\/255: 40\.0 %/,
  },
  {
    label: 'a scope with an attack looks at that attack only, by id',
    rule: { ...robust, scope: { attack: 'fgsm' } },
    cells: [cell(samples(100, 900)), cell(samples(700, 300), fgsm)],
    verdict: 'pass',
    reason: /under fgsm, L∞ 8\/255: 70\.0 %/,
  },
  {
    label: 'a scope with an attack looks at that attack only, by label',
    rule: { ...robust, scope: { attack: 'PGD-40' } },
    cells: [cell(samples(100, 900)), cell(samples(700, 300), fgsm)],
    verdict: 'fail',
    reason: /under PGD-40, L∞ 8\/255: 10\.0 %/,
  },
  {
    label: 'without an epsilon the worst one speaks, and says how the others did',
    rule: robust,
    cells: [
      cell(samples(900, 100), { epsilon: 2 / 255 }),
      cell(samples(610, 390), { epsilon: 4 / 255 }),
      cell(samples(300, 700), { epsilon: 8 / 255 }),
      cell(samples(200, 800), { norm: 'l2', epsilon: 0.5 }),
    ],
    verdict: 'fail',
    reason:
      /L2 0\.5: 20\.0 %.*; worst of 4 norm and epsilon pairs, of the others 1 fails, 1 is undecided, 1 passes$/,
  },
  {
    label: 'rounded examples are a threat of their own, not pooled with the others',
    rule: robust,
    cells: [
      cell(samples(300, 700)),
      cell(samples(900, 100), { constraints: '8-bit', attackDigest: 'other' }),
      cell(samples(800, 200), { constraints: '8-bit', ...fgsm }),
    ],
    verdict: 'fail',
    reason: /L∞ 8\/255: 30\.0 %.*; worst of 2 norm and epsilon pairs, of the others 1 passes$/,
  },
  {
    label: 'a scope with norm and epsilon picks one',
    rule: { ...robust, scope: { norm: 'linf', epsilon: 0.0078431372549 } },
    cells: [
      cell(samples(900, 100), { epsilon: 2 / 255 }),
      cell(samples(300, 700), { epsilon: 8 / 255 }),
    ],
    verdict: 'pass',
    reason: /L∞ 2\/255: 90\.0 %/,
  },
  {
    label: 'clean accuracy from any cell',
    rule: clean,
    cells: [cell(samples(100, 860, 40)), cell(samples(200, 760, 40), fgsm)],
    verdict: 'pass',
    reason: /^clean accuracy: 96\.0 % \(/,
  },
  {
    label: 'clean accuracy below its floor',
    rule: clean,
    cells: [cell(samples(100, 700, 200))],
    verdict: 'fail',
    reason: /^clean accuracy: 80\.0 %/,
  },
  {
    label: 'everything right of very few is not enough',
    rule: robust,
    cells: [cell(samples(5, 0))],
    verdict: 'inconclusive',
    reason: /100\.0 % .*5 samples/,
  },
]

describe('floor', () => {
  it.each(cases)('$verdict: $label', ({ rule, cells, verdict, reason }) => {
    const result = only(rule, cells)
    expect(result.reason).toMatch(reason)
    expect(result.verdict).toBe(verdict)
  })

  it('carries the value', () => {
    expect(only(robust, [cell(samples(700, 300))])).toMatchObject({
      kind: 'floor',
      level: 'error',
      value: { successes: 700, trials: 1000, confidence: 0.95 },
    })
  })
})

const blindCases: readonly {
  readonly label: string
  readonly rule?: GateRule
  readonly cells: readonly CellResults[]
  readonly reason: RegExp
}[] = [
  {
    label: 'no cells',
    cells: [],
    reason: /^no result matches this rule \(any attack\); check its scope/,
  },
  {
    label: 'a scope that matches nothing',
    rule: { ...robust, scope: { attack: 'cw', norm: 'l2', epsilon: 0.5 } },
    cells: [cell(samples(900, 100))],
    reason: /no result matches this rule \(attack cw, L2, epsilon 0\.5\)/,
  },
  { label: 'no samples', cells: [cell([])], reason: /PGD-40 at L∞ 8\/255 on v2 has no samples/ },
  {
    label: 'an incomplete cell',
    cells: [cell(samples(900, 100)), cell(samples(90, 10), { ...fgsm, complete: false })],
    reason: /FGSM at L∞ 8\/255 on v2 is incomplete: 100 samples done/,
  },
  {
    label: 'an incomplete cell, for clean accuracy',
    rule: clean,
    cells: [cell(samples(990, 10), { complete: false })],
    reason: /^clean accuracy: no verdict, PGD-40 .* is incomplete/,
  },
  {
    label: 'attacks on different samples',
    cells: [cell(samples(900, 100)), cell(samples(450, 50), fgsm)],
    reason: /FGSM .* covers 500 of 1,000 samples/,
  },
  {
    label: 'a sample twice',
    cells: [cell([...samples(900, 100), { sample: 7, cleanRight: true, robust: true }])],
    reason: /holds sample 7 twice/,
  },
  {
    label: 'a sample robust though wrong',
    cells: [cell([...samples(900, 100), { sample: 5000, cleanRight: false, robust: true }])],
    reason: /calls sample 5000 robust though its clean prediction is wrong/,
  },
  {
    label: 'cells that disagree on a clean prediction',
    rule: clean,
    cells: [cell(samples(900, 100, 1)), cell(samples(900, 101, 0), fgsm)],
    reason: /disagrees with another attack on the clean prediction of sample 1000/,
  },
  {
    label: 'one epsilon blind, the other well',
    cells: [
      cell(samples(900, 100), { epsilon: 2 / 255 }),
      cell(samples(900, 100), { epsilon: 4 / 255, complete: false }),
    ],
    reason: /L∞ 4\/255: no verdict, .*; worst of 2 norm and epsilon pairs, of the others 1 passes$/,
  },
]

describe('floor, blind', () => {
  it.each(blindCases)('never passes: $label', ({ rule = robust, cells, reason }) => {
    const result = only(rule, cells)
    expect(result.reason).toMatch(reason)
    expect(result.verdict).toBe('inconclusive')
  })

  it.each([robust, clean])('a planned cell without results ($metric)', (rule) => {
    const done = cell(samples(990, 10))
    const planned = { attack: 'fgsm', label: 'FGSM', norm: 'linf', epsilon: 8 / 255 } as const
    const input = { rules: [rule], baseline: null, candidate: version('v2', [done]) }
    expect(evaluateGate(input).verdict).toBe('pass')
    const gate = evaluateGate({ ...input, requiredCells: [done, planned] })
    expect(gate.verdict).toBe('inconclusive')
    expect(gate.rules[0]?.reason).toMatch(
      /FGSM at L∞ 8\/255 was planned, but v2 has no such result/,
    )
  })

  it('a planned epsilon without results', () => {
    const done = cell(samples(990, 10))
    const gate = evaluateGate({
      rules: [robust],
      baseline: null,
      candidate: version('v2', [done]),
      requiredCells: [done, { ...done, epsilon: 16 / 255 }],
    })
    expect(gate.verdict).toBe('inconclusive')
    expect(gate.rules[0]?.reason).toMatch(/L∞ 16\/255: no verdict/)
  })
})
