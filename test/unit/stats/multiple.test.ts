import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { holm } from '../../../src/stats/multiple.js'

const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 })

describe('holm', () => {
  it.each([
    // The classic four-hypothesis example of Holm's procedure; adjusted values: statsmodels 0.15.0, multipletests.
    { given: [0.01, 0.04, 0.03, 0.005], want: [0.03, 0.06, 0.06, 0.02] },
    { given: [0.02], want: [0.02] },
    { given: [], want: [] },
    { given: [0.5, 0.6], want: [1, 1] },
    { given: [0.02, 0.02, 0.02], want: [0.06, 0.06, 0.06] },
    { given: [0, 1], want: [0, 1] },
  ])('$given -> $want', ({ given, want }) => {
    const got = holm(given)
    expect(got).toHaveLength(want.length)
    for (const [i, p] of want.entries()) expect(got[i]).toBeCloseTo(p, 12)
  })

  it('rejects just what the step-down procedure rejects', () => {
    fc.assert(
      fc.property(pValues, fc.constantFrom(0.01, 0.05, 0.2), (given, significance) => {
        // Holm's own wording: go up from the smallest; stop at the first that exceeds significance / (m − i).
        const ascending = given.toSorted((a, b) => a - b)
        const stop = ascending.findIndex((p, i) => p * (given.length - i) > significance)
        const rejected = stop === -1 ? given.length : stop
        expect(holm(given).filter((p) => p <= significance)).toHaveLength(rejected)
      }),
    )
  })

  it('keeps the order of the tests, never lowers a p-value and never exceeds Bonferroni or 1', () => {
    fc.assert(
      fc.property(pValues, (given) => {
        const adjusted = holm(given)
        for (const [i, p] of given.entries()) {
          const q = adjusted[i] ?? Number.NaN
          expect(q).toBeGreaterThanOrEqual(p)
          expect(q).toBeLessThanOrEqual(Math.min(1, p * given.length) + 1e-15)
          for (const [j, other] of given.entries())
            if (other < p) expect(adjusted[j]).toBeLessThanOrEqual(q)
        }
      }),
    )
  })

  it.each([-0.1, 1.1, Number.NaN])('refuses %d', (p) => {
    expect(() => holm([0.5, p])).toThrow(RangeError)
  })
})
