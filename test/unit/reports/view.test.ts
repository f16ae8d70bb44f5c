import { describe, expect, it } from 'vitest'
import { readableTicks } from '../../../reports/html/chart.js'
import { tie } from '../../../reports/text.js'
import { changeOf, directionOf, headlineOf, mainThreat, ruleState } from '../../../reports/view.js'
import type { RuleResult } from '../../../src/gate/types.js'
import { pairedDifference } from '../../../src/stats/paired.js'
import { failingReport, passingReport, singleVersionReport } from '../../helpers/sample-report.js'

describe('the main threat', () => {
  it('is the middle epsilon unless the report names one', () => {
    expect(mainThreat(failingReport())).toEqual({ norm: 'linf', epsilon: 4 / 255 })
    const mainThreatGiven = { norm: 'linf', epsilon: 8 / 255 } as const
    expect(mainThreat({ ...failingReport(), mainThreat: mainThreatGiven })).toBe(mainThreatGiven)
    expect(mainThreat({ ...failingReport(), versions: [] })).toBeUndefined()
  })
})

describe('the direction of a change', () => {
  it.each([
    [{ newlyBroken: 40, newlyFixed: 2 }, 'worse'],
    [{ newlyBroken: 2, newlyFixed: 40 }, 'better'],
    [{ newlyBroken: 9, newlyFixed: 5 }, 'unclear'],
    [{ newlyBroken: 0, newlyFixed: 0 }, 'unclear'],
  ] as const)('%j is %s', (counts, direction) => {
    const difference = pairedDifference({ bothRight: 100, bothWrong: 50, ...counts })
    expect(directionOf(difference)).toBe(direction)
  })
})

describe('the headline', () => {
  it('says how the candidate changed', () => {
    expect(headlineOf(failingReport()).change).toMatch(
      /^Against v1: clean accuracy up \d+\.\d pp, robust accuracy at L∞ 4\/255 down \d+\.\d pp\.$/,
    )
    expect(headlineOf(singleVersionReport()).change).toBeUndefined()
  })

  it('never calls an unexplained verdict a pass', () => {
    const gate = { baseline: null, candidate: 'v2', rules: [] }
    const title = (verdict: 'fail' | 'inconclusive') =>
      headlineOf({ ...failingReport(), gate: { ...gate, verdict } }).title
    expect(title('fail')).toBe('v2 fails the gate')
    expect(title('inconclusive')).toBe('Nothing can be said about v2: this is not a pass')
  })

  it('compares with the gate’s baseline when there are several', () => {
    const report = passingReport()
    const other = report.comparisons.map((row) => ({ ...row, baseline: 'v0' }))
    const both = { ...report, comparisons: [...other, ...report.comparisons, ...other] }
    expect(changeOf(both, 'v2', 'clean accuracy')?.baseline).toBe('v1')
    expect(changeOf({ ...both, gate: undefined }, 'v2', 'clean accuracy')?.baseline).toBe('v0')
  })
})

describe('the state of a rule', () => {
  const rule: RuleResult = { id: 'r', kind: 'floor', level: 'error', verdict: 'fail', reason: '' }
  const waived = { reason: 'known', expires: '2026-12-31' }
  it.each([
    [{}, 'fail'],
    [{ verdict: 'inconclusive' }, 'inconclusive'],
    [{ level: 'warn' }, 'warning'],
    [{ level: 'off' }, 'off'],
    [{ waived }, 'waived'],
    [{ waived, verdict: 'pass' }, 'pass'],
  ] as const)('%j counts as %s', (change, state) => {
    expect(ruleState({ ...rule, ...change })).toBe(state)
  })
})

describe('ticks of the epsilon axis', () => {
  it('shows all where there is room', () => {
    expect(readableTicks([0, 2 / 255, 4 / 255, 8 / 255], 500)).toEqual([
      0,
      2 / 255,
      4 / 255,
      8 / 255,
    ])
  })

  it('drops what would print over its neighbour, but neither 0 nor the greatest', () => {
    const crowded = [0, 1 / 255, 2 / 255, 4 / 255, 8 / 255, 16 / 255]
    const ticks = readableTicks(crowded, 250)
    expect(ticks).toEqual([0, 4 / 255, 8 / 255, 16 / 255])
  })
})

describe('tie', () => {
  it('keeps numbers with their units', () => {
    expect(tie('L∞ 4/255: 48.0 %, −40.2 pp, 212 newly broken, p < 1e-6, p = 1')).toBe(
      'L∞\u00A04/255: 48.0\u00A0%, −40.2\u00A0pp, 212 newly broken, p\u00A0<\u00A01e-6, p\u00A0=\u00A01',
    )
  })
})
