import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluateGate } from '../../../src/gate/evaluate.js'
import type { GateRule, RuleResult, Verdict, VersionResults } from '../../../src/gate/types.js'
import { mcNemarWorse } from '../../../src/stats/mcnemar.js'
import { tangoInterval } from '../../../src/stats/tango.js'
import { cell, half, pairOf, samples, version, type Table } from './build.js'

const rule: GateRule = {
  id: 'drop',
  kind: 'non-inferiority',
  metric: 'robustAccuracy',
  margin: 0.02,
}
const cleanRule: GateRule = { ...rule, metric: 'cleanAccuracy' }
const epsilon = 8 / 255

function only(
  given: GateRule,
  versions: { readonly baseline: VersionResults | null; readonly candidate: VersionResults },
): RuleResult {
  const gate = evaluateGate({ rules: [given], ...versions })
  const [result] = gate.rules
  if (!result) throw new Error('no result')
  expect(gate.verdict).toBe(result.verdict)
  return result
}

const cases: readonly {
  readonly label: string
  readonly table: Table
  readonly margin?: number
  readonly verdict: Verdict
  readonly reason: RegExp
}[] = [
  {
    label: 'a collapse',
    table: [63, 250, 0, 197],
    verdict: 'fail',
    reason:
      /^robust accuracy under worst case, L∞ 8\/255: 61\.4 % → 12\.4 % \(−49\.0 pp, 95 % CI −53\.3 to −44\.7\); 250 newly broken, 0 newly fixed, p < 1e-6; allowed drop 2 pp$/,
  },
  {
    label: 'no change on many samples',
    table: [1800, 3, 3, 194],
    verdict: 'pass',
    reason: /0\.0 pp.*allowed drop 2 pp, at most 0\.2\d* pp with 95 % confidence$/,
  },
  {
    label: 'an improvement',
    table: [500, 10, 100, 390],
    verdict: 'pass',
    reason: /\+9\.0 pp.*p = 1; allowed drop 2 pp, none with 95 % confidence$/,
  },
  {
    label: 'a significant drop within the margin',
    table: [9000, 80, 20, 900],
    verdict: 'pass',
    reason: /−0\.6 pp.*p < 1e-6; allowed drop 2 pp, at most 0\.8 pp/,
  },
  {
    label: 'no change on too few samples: z² (1 / margin − 1) = 133 are needed',
    table: [90, 0, 0, 10],
    verdict: 'inconclusive',
    reason:
      /0\.0 pp.*undecided, because the drop may be up to 2\.6 pp with 95 % confidence; about 140 samples would decide if the rates stay, now 100$/,
  },
  {
    label: 'a drop beyond the margin that may be chance',
    table: [90, 4, 1, 5],
    verdict: 'inconclusive',
    reason: /−3\.0 pp.*p = 0\.19; .*undecided, because the drop may be chance; about \d+ samples/,
  },
  {
    label: 'a few broken, which chance explains, though their interval lies beyond the margin',
    table: [47, 3, 0, 0],
    margin: 0.001,
    verdict: 'inconclusive',
    reason: /p = 0\.13;.*may be chance; about \d+ samples/,
  },
  {
    label: 'five broken against none: the fewest that are significant',
    table: [45, 5, 0, 0],
    margin: 0.001,
    verdict: 'fail',
    reason: /p = 0\.031; allowed drop 0\.1 pp$/,
  },
  {
    label: 'a drop of exactly the margin',
    table: [90, 3, 1, 6],
    verdict: 'inconclusive',
    reason: /−2\.0 pp.*at these rates no number of samples would decide/,
  },
  {
    label: 'a significant drop whose estimate is within the margin, its lower end beyond',
    table: [440, 14, 5, 41],
    verdict: 'inconclusive',
    reason: /−1\.8 pp.*p = 0\.032;.*may be up to 3\.\d pp/,
  },
  {
    label: 'a wide margin forgives',
    table: [440, 14, 5, 41],
    margin: 0.05,
    verdict: 'pass',
    reason: /allowed drop 5 pp/,
  },
]

describe('non-inferiority', () => {
  it.each(cases)('$verdict: $label', ({ table, margin = 0.02, verdict, reason }) => {
    const result = only({ ...rule, margin } as GateRule, pairOf([{ epsilon, table }]))
    expect(result.reason).toMatch(reason)
    expect(result.verdict).toBe(verdict)
  })

  it('carries candidate, difference and corrected p-value', () => {
    expect(only(rule, pairOf([{ epsilon, table: [900, 20, 10, 70] }]))).toMatchObject({
      value: { successes: 910, trials: 1000 },
      difference: { estimate: -0.01, counts: { newlyBroken: 20, newlyFixed: 10 } },
      pAdjusted: mcNemarWorse({ newlyBroken: 20, newlyFixed: 10 }),
    })
  })

  it('says when a model is compared with itself', () => {
    const { baseline, candidate } = pairOf([{ epsilon, table: [900, 0, 0, 100] }])
    const same = { baseline, candidate: { ...candidate, modelDigest: baseline.modelDigest } }
    expect(only(rule, same).reason).toMatch(/both versions are the same model file$/)
    expect(only(rule, { baseline, candidate }).reason).not.toMatch(/same model/)
  })

  it('compares clean accuracy once, whatever attacks were run', () => {
    const baseline = version('v1', [cell(samples(500, 480, 20))])
    const candidate = version('v2', [
      cell(samples(100, 880, 20)),
      cell(samples(100, 880, 20), { attack: 'fgsm', label: 'FGSM' }),
    ])
    const result = only(cleanRule, { baseline, candidate })
    expect(result.verdict).toBe('pass')
    expect(result.reason).toMatch(/^clean accuracy: 98\.0 % → 98\.0 %/)
    expect(result.reason).not.toMatch(/worst of/)
  })

  it('fails if one epsilon fails, and passes only if all do', () => {
    const good: Table = [900, 2, 2, 96]
    const bad: Table = [500, 200, 1, 299]
    const mixed = only(
      rule,
      pairOf([2, 4, 8].map((n) => ({ epsilon: n / 255, table: n === 4 ? bad : good }))),
    )
    expect(mixed.verdict).toBe('fail')
    expect(mixed.reason).toMatch(
      /L∞ 4\/255.*Holm over 3 tests.*; worst of 3 norm and epsilon pairs, of the others 2 pass$/,
    )
    const all = only(rule, pairOf([2, 4, 8].map((n) => ({ epsilon: n / 255, table: good }))))
    expect(all.verdict).toBe('pass')
  })

  // One test in twenty at 0.05 is what chance gives: alone it fails, in a family of ten it must not.
  it('corrects p-values over all non-inferiority tests of the gate', () => {
    const suspicious: Table = [85, 9, 2, 4]
    const calm: Table = [95, 1, 1, 3]
    const alone = only(rule, pairOf([{ epsilon, table: suspicious }]))
    expect(alone.verdict).toBe('fail')
    expect(alone.pAdjusted).toBeCloseTo(0.0327, 4)
    const family = pairOf(
      Array.from({ length: 10 }, (_, i) => ({
        epsilon: (i + 1) / 255,
        table: i === 7 ? suspicious : calm,
      })),
    )
    const together = only(rule, family)
    expect(together.verdict).toBe('inconclusive')
    const scoped = { ...rule, id: 'one', scope: { epsilon } } as GateRule
    const gate = evaluateGate({ rules: [scoped, rule], ...family })
    expect(gate.rules[0]?.pAdjusted).toBeCloseTo(0.0327 * 11, 2)
    expect(gate.rules[0]?.verdict).toBe('inconclusive')
    expect(gate.rules[0]?.reason).toMatch(/Holm over 11 tests/)
  })

  it('leaves rules that are off out of the correction', () => {
    const versions = pairOf([{ epsilon, table: [85, 9, 2, 4] }])
    const off = { ...rule, id: 'off', level: 'off' } as GateRule
    const gate = evaluateGate({ rules: [rule, off], ...versions })
    expect(gate.rules).toHaveLength(1)
    expect(gate.rules[0]?.pAdjusted).toBeCloseTo(0.0327, 4)
  })

  it('never passes where the lower limit is beyond the margin, never fails where the estimate is within', () => {
    const count = fc.nat(120)
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(900), count, count, fc.nat(300)).filter((t) => t.some((n) => n > 0)),
        fc.constantFrom(0.01, 0.02, 0.05),
        fc.constantFrom(0.9, 0.95, 0.99),
        (table, margin, confidence) => {
          const { verdict } = only(
            { ...rule, margin, confidence } as GateRule,
            pairOf([{ epsilon, table }]),
          )
          const [bothRight, newlyBroken, newlyFixed, bothWrong] = table
          const { low } = tangoInterval(
            { bothRight, newlyBroken, newlyFixed, bothWrong },
            2 * confidence - 1,
          )
          const n = bothRight + newlyBroken + newlyFixed + bothWrong
          const estimate = (newlyFixed - newlyBroken) / n
          if (low > -margin + 1e-9) expect(verdict).toBe('pass')
          else if (low < -margin - 1e-9) expect(verdict).not.toBe('pass')
          if (estimate >= -margin) expect(verdict).not.toBe('fail')
          if (verdict === 'fail')
            expect(mcNemarWorse({ newlyBroken, newlyFixed })).toBeLessThan(0.2)
        },
      ),
      { numRuns: 200 },
    )
  })
})

const good = pairOf([{ epsilon, table: [900, 2, 2, 96] }])
const blindCases: readonly {
  readonly label: string
  readonly rule?: GateRule
  readonly baseline?: VersionResults | null
  readonly candidate?: VersionResults
  readonly reason: RegExp
}[] = [
  {
    label: 'no baseline',
    baseline: null,
    reason: /^robust accuracy under worst case: no verdict, there is no baseline to compare with$/,
  },
  {
    label: 'no baseline, for clean accuracy',
    rule: cleanRule,
    baseline: null,
    reason: /^clean accuracy: no verdict, there is no baseline/,
  },
  {
    label: 'other data',
    candidate: { ...good.candidate, datasetDigest: 'other' },
    reason: /v1 and v2 were attacked on different data/,
  },
  {
    label: 'other data, for clean accuracy',
    rule: cleanRule,
    candidate: { ...good.candidate, datasetDigest: 'other' },
    reason: /different data/,
  },
  {
    label: 'an attack more on the candidate',
    candidate: version('v2', [
      ...good.candidate.cells,
      cell(half('after', [900, 2, 2, 96]), { attack: 'fgsm', label: 'FGSM' }),
    ]),
    reason: /the attacks differ: PGD-40 on v1, FGSM \+ PGD-40 on v2/,
  },
  {
    label: 'the same label with other parameters',
    baseline: version(
      'v1',
      good.baseline.cells.map((one) => ({ ...one, attackDigest: 'aaaaaaaaaa' })),
    ),
    candidate: version(
      'v2',
      good.candidate.cells.map((one) => ({ ...one, attackDigest: 'bbbbbbbbbb' })),
    ),
    reason: /the attacks differ: PGD-40 \(aaaaaaaa\) on v1, PGD-40 \(bbbbbbbb\) on v2/,
  },
  {
    label: 'an epsilon only on the baseline',
    baseline: version('v1', [
      ...good.baseline.cells,
      cell(half('before', [900, 2, 2, 96]), { epsilon: 16 / 255 }),
    ]),
    reason: /L∞ 16\/255: no verdict, the attacks differ: PGD-40 on v1, none on v2; worst of 2/,
  },
  {
    label: 'an incomplete cell of the candidate',
    candidate: version('v2', [cell(half('after', [900, 2, 2, 96]), { complete: false })]),
    reason: /PGD-40 at L∞ 8\/255 on v2 is incomplete/,
  },
  {
    label: 'an incomplete cell of the baseline',
    baseline: version('v1', [cell(half('before', [900, 2, 2, 96]), { complete: false })]),
    reason: /PGD-40 at L∞ 8\/255 on v1 is incomplete/,
  },
  {
    label: 'fewer samples',
    candidate: version('v2', [cell(half('after', [900, 2, 2, 95]))]),
    reason: /v1 and v2 were not attacked on the same samples/,
  },
  {
    label: 'as many, but other samples',
    candidate: version('v2', [
      cell(half('after', [900, 2, 2, 96]).map((one) => ({ ...one, sample: one.sample + 1 }))),
    ]),
    reason: /not attacked on the same samples/,
  },
  {
    label: 'no results at all',
    baseline: version('v1', []),
    candidate: version('v2', []),
    reason: /^no result matches this rule \(any attack\)/,
  },
  {
    label: 'a scope that matches nothing',
    rule: { ...rule, scope: { norm: 'l1' } } as GateRule,
    reason: /no result matches this rule \(L1\); check its scope/,
  },
  {
    label: 'no results of the baseline, for clean accuracy',
    rule: cleanRule,
    baseline: version('v1', []),
    reason: /clean accuracy: no verdict, v1 has no results/,
  },
]

describe('non-inferiority, blind', () => {
  it.each(blindCases)('never passes: $label', (given) => {
    const { baseline = good.baseline, candidate = good.candidate } = given
    expect(only(rule, good).verdict).toBe('pass')
    const result = only(given.rule ?? rule, { baseline, candidate })
    expect(result.reason).toMatch(given.reason)
    expect(result.verdict).toBe('inconclusive')
  })

  it('a planned cell that neither version has', () => {
    const gate = evaluateGate({
      rules: [rule],
      ...good,
      requiredCells: [{ attack: 'fgsm', label: 'FGSM', norm: 'linf', epsilon }],
    })
    expect(gate.verdict).toBe('inconclusive')
    expect(gate.rules[0]?.reason).toMatch(/FGSM at L∞ 8\/255 was planned/)
  })

  it('still fails where one epsilon is blind and another is clearly worse', () => {
    const bad = pairOf([{ epsilon: 4 / 255, table: [500, 200, 1, 299] }])
    const result = only(rule, {
      baseline: version('v1', [...bad.baseline.cells, ...good.baseline.cells]),
      candidate: version('v2', [
        ...bad.candidate.cells,
        ...good.candidate.cells.map((one) => ({ ...one, complete: false })),
      ]),
    })
    expect(result.verdict).toBe('fail')
    expect(result.reason).toMatch(/of the others 1 is undecided$/)
  })

  it('does not depend on the order of cells and samples', () => {
    const shuffled = {
      baseline: good.baseline,
      candidate: version(
        'v2',
        good.candidate.cells.map((one) => ({ ...one, samples: one.samples.toReversed() })),
      ),
    }
    expect(only(rule, shuffled)).toEqual(only(rule, good))
  })
})
