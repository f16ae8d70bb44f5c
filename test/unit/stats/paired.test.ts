import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairCounts, pairedDifference } from '../../../src/stats/paired.js'
import { tangoInterval } from '../../../src/stats/tango.js'
import type { PairedCounts } from '../../../src/stats/types.js'

function table(bothRight: number, broken: number, fixed: number, bothWrong: number): PairedCounts {
  return { bothRight, newlyBroken: broken, newlyFixed: fixed, bothWrong }
}

describe('pairCounts', () => {
  it('counts the four outcomes', () => {
    expect(pairCounts([true, true, false, false, true], [true, false, true, false, true])).toEqual(
      table(2, 1, 1, 1),
    )
    expect(pairCounts([], [])).toEqual(table(0, 0, 0, 0))
  })

  it('refuses lists of different lengths', () => {
    expect(() => pairCounts([true], [true, false])).toThrow(/equal lengths, got 1 and 2/)
  })

  it('adds up to the two accuracies', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.boolean()), { maxLength: 200 }), (pairs) => {
        const before = pairs.map(([a]) => a)
        const after = pairs.map(([, b]) => b)
        const { bothRight, newlyBroken, newlyFixed } = pairCounts(before, after)
        expect(bothRight + newlyBroken).toBe(before.filter(Boolean).length)
        expect(bothRight + newlyFixed).toBe(after.filter(Boolean).length)
      }),
    )
  })
})

describe('pairedDifference', () => {
  it('puts estimate, interval and both p-values together', () => {
    const result = pairedDifference(table(980, 12, 3, 5), 0.9)
    expect(result).toMatchObject({ trials: 1000, estimate: -0.009, confidence: 0.9 })
    expect(result.pWorse).toBeCloseTo(0.017578125, 12)
    expect(result.pDifferent).toBeCloseTo(0.03515625, 12)
    expect(result).toMatchObject(tangoInterval(result.counts, 0.9))
  })

  it('knows nothing without pairs', () => {
    expect(pairedDifference(table(0, 0, 0, 0))).toMatchObject({
      estimate: Number.NaN,
      low: -1,
      high: 1,
      pWorse: 1,
      pDifferent: 1,
    })
  })

  // SIGNALS.md section 4: with 1,000 samples and 10 newly fixed, a net loss of 1.0 pp is significant.
  it('sees a net loss of one point in a thousand pairs', () => {
    expect(pairedDifference(table(900, 20, 10, 70)).pWorse).toBeLessThan(0.05)
    expect(pairedDifference(table(900, 19, 10, 71)).pWorse).toBeGreaterThan(0.05)
  })
})
