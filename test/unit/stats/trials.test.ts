import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairedDifference } from '../../../src/stats/paired.js'
import { pairedTrials, risesLessP } from '../../../src/stats/paired-trials.js'
import { clopperPearson } from '../../../src/stats/proportion.js'
import { signedRankGreater } from '../../../src/stats/signed-rank.js'
import { twoSidedT } from '../../../src/stats/student.js'
import { tangoNonInferiorityP } from '../../../src/stats/tango.js'
import {
  meanAccuracy,
  meanDifference,
  meanShare,
  trialsForCeiling,
} from '../../../src/stats/trials.js'
import { createRng } from '../../../src/util/rng.js'

const share = fc.double({ min: 0, max: 1, noNaN: true })

describe('twoSidedT', () => {
  // scipy 1.17.1, stats.t.ppf(0.5 + confidence / 2, freedom).
  it.each([
    [0.95, 1, 12.706204736174694],
    [0.95, 2, 4.302652729749462],
    [0.95, 9, 2.262157162798205],
    [0.99, 9, 3.249835541592126],
    [0.9, 4, 2.1318467863266495],
    [0.5, 3, 0.7648923284043444],
    [0.95, 1000, 1.9623390808264083],
  ])('at %d with %d degrees of freedom', (confidence, freedom, expected) => {
    expect(Math.abs(twoSidedT(confidence, freedom) / expected - 1)).toBeLessThan(1e-10)
  })

  it('refuses what is outside its domain', () => {
    expect(() => twoSidedT(1, 3)).toThrow(RangeError)
    expect(() => twoSidedT(0.95, 0)).toThrow(RangeError)
  })
})

describe('signedRankGreater', () => {
  // scipy 1.17.1, stats.wilcoxon(alternative='greater', method='exact'); with ties: all signs counted out.
  it.each<[number[], number]>([
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.0009765625],
    [[0.5, -0.1, 0.2, 0.3, -0.05, 0.25, 0.4], 0.0390625],
    [[-1, -2, 3], 0.625],
    [[0.02, 0.13, -0.04, 0.21, 0.08, -0.11, 0.3, 0.17, 0.09, 0.01, -0.05, 0.06], 0.031982421875],
    [[1, 1, 1, 1, -1], 0.1875],
    [[0, 0, 0.1, 0.1, -0.1, 0.3, 0.3, 0.5], 0.0625],
    [[0.2, 0.2, 0.2, -0.2, -0.2, 0.4], 0.265625],
  ])('%j', (differences, expected) => {
    expect(signedRankGreater(differences)).toBeCloseTo(expected, 12)
  })

  it('is 1 where nothing rose', () => {
    expect(signedRankGreater([])).toBe(1)
    expect(signedRankGreater([0, 0, -0.2])).toBe(1)
  })

  it('refuses NaN', () => {
    expect(() => signedRankGreater([0.1, Number.NaN])).toThrow(RangeError)
  })
})

describe('meanShare', () => {
  // Limits found with scipy 1.17.1, optimize.brentq, on the divergence.
  it.each([
    [0.3, 10, 0.95, 0.04220465267158033, 0.71520817356433],
    // The upper end is 0.99999995, which prints as 100 %.
    [0.97, 10, 0.95, 0.6127066552009504, 1],
    [0.5, 100, 0.99, 0.341455776378669, 0.6585442236213309],
    // The lower end is 0.00018.
    [0.02, 40, 0.9, 0, 0.12550260576980102],
  ])('%d over %d trials at %d', (estimate, trials, confidence, low, high) => {
    const mean = meanShare(
      Array.from({ length: trials }, () => estimate),
      confidence,
    )
    expect(mean.low).toBeCloseTo(low, 9)
    expect(mean.high).toBeCloseTo(high, 9)
  })

  it('is Clopper–Pearson where every trial succeeds, or none', () => {
    for (const [value, trials] of [
      [0, 10],
      [1, 10],
      [0, 3],
      [1, 100],
    ] as const) {
      const mean = meanShare(Array.from({ length: trials }, () => value))
      const exact = clopperPearson(value * trials, trials)
      expect(mean.low).toBeCloseTo(exact.low, 10)
      expect(mean.high).toBeCloseTo(exact.high, 10)
    }
  })

  it('holds its estimate, stays within [0, 1], and narrows with confidence', () => {
    fc.assert(
      fc.property(fc.array(share, { minLength: 1, maxLength: 40 }), (shares) => {
        const [wide, narrow] = [meanShare(shares, 0.99), meanShare(shares, 0.8)]
        expect(wide.low).toBeGreaterThanOrEqual(0)
        expect(wide.high).toBeLessThanOrEqual(1)
        expect(wide.low).toBeLessThanOrEqual(narrow.low)
        expect(narrow.low).toBeLessThanOrEqual(narrow.estimate + 1e-12)
        expect(narrow.high).toBeGreaterThanOrEqual(narrow.estimate - 1e-12)
        expect(wide.high).toBeGreaterThanOrEqual(narrow.high)
      }),
    )
  })

  it('covers the truth where one trial in ten succeeds altogether: a t interval does not', () => {
    const rng = createRng('coverage')
    const runs = 400
    let [covered, byT] = [0, 0]
    for (let run = 0; run < runs; run++) {
      const shares = Array.from({ length: 10 }, () => (rng.uniform() < 0.1 ? 1 : 0))
      const [mean, t] = [meanShare(shares), meanDifference(shares)]
      if (mean.low <= 0.1 && 0.1 <= mean.high) covered++
      if (t.low <= 0.1 && 0.1 <= t.high) byT++
    }
    expect(covered / runs).toBeGreaterThanOrEqual(0.95)
    expect(byT / runs).toBeLessThan(0.75)
  })

  it('says nothing without trials, and refuses what is no share', () => {
    expect(meanShare([])).toEqual({
      estimate: Number.NaN,
      low: 0,
      high: 1,
      trials: 0,
      confidence: 0.95,
    })
    expect(() => meanShare([1.1])).toThrow(RangeError)
  })
})

describe('meanDifference', () => {
  it('is the t interval', () => {
    // scipy 1.17.1, stats.t.interval.
    const { estimate, low, high } = meanDifference([0.01, 0.02, 0.015, 0.03, 0])
    expect(estimate).toBeCloseTo(0.015, 12)
    expect(low).toBeCloseTo(0.001117774474011032, 10)
    expect(high).toBeCloseTo(0.028882225525988965, 10)
  })

  it('has no interval of one trial', () => {
    expect(meanDifference([0.3])).toMatchObject({ low: -Infinity, high: Infinity, trials: 1 })
  })
})

describe('trialsForCeiling', () => {
  it('says how many trials decide', () => {
    const none = meanShare(Array.from({ length: 10 }, () => 0))
    const enough = trialsForCeiling(none, 0.1)!
    // Clopper–Pearson: 36 trials without a success have an upper end of 9.7 %, 34 one of 10.3 %.
    expect(enough).toBeGreaterThanOrEqual(35)
    expect(enough).toBeLessThanOrEqual(37)
    expect(meanShare(Array.from({ length: enough }, () => 0)).high).toBeLessThanOrEqual(0.1)
  })

  it('knows when no number would', () => {
    expect(trialsForCeiling(meanShare(Array.from({ length: 10 }, () => 0.1)), 0.1)).toBeNull()
  })
})

describe('pairedTrials', () => {
  const binary = fc.constantFrom(0, 1)

  it('is Tango and exact McNemar where trials succeed or do not', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(binary, binary), { minLength: 1, maxLength: 30 }), (pairs) => {
        const [before, after] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)]
        const own = pairedTrials(before, after)
        // A trial that resists is right.
        const counts = { bothRight: 0, newlyBroken: 0, newlyFixed: 0, bothWrong: 0 }
        for (const [a, b] of pairs)
          counts[a === b ? (a ? 'bothWrong' : 'bothRight') : b ? 'newlyBroken' : 'newlyFixed']++
        const other = pairedDifference(counts)
        expect(own.estimate).toBeCloseTo(-other.estimate, 12)
        expect(own.low).toBeCloseTo(-other.high, 9)
        expect(own.high).toBeCloseTo(-other.low, 9)
        expect(own.pMore).toBeCloseTo(other.pWorse, 12)
        expect(risesLessP(own, 0.05)).toBeCloseTo(tangoNonInferiorityP(counts, 0.05), 9)
      }),
    )
  })

  it('covers the mean rise of shares that scatter', () => {
    const rng = createRng('paired coverage')
    const runs = 300
    let covered = 0
    for (let run = 0; run < runs; run++) {
      const before = Array.from({ length: 12 }, () => 0.5 * rng.uniform())
      // Rises by 0.3 in half of the trials: 0.15 in the mean.
      const after = before.map((value) => value + (rng.uniform() < 0.5 ? 0.3 : 0))
      const { low, high } = pairedTrials(before, after)
      if (low <= 0.15 && 0.15 <= high) covered++
    }
    expect(covered / runs).toBeGreaterThanOrEqual(0.95)
  })

  it('mirrors', () => {
    const [a, b] = [
      [0.1, 0.2, 0.9],
      [0.3, 0.1, 1],
    ]
    const [there, back] = [pairedTrials(a, b), pairedTrials(b, a)]
    expect(there.estimate).toBeCloseTo(-back.estimate, 12)
    expect(there.low).toBeCloseTo(-back.high, 12)
    expect([there.more, there.fewer]).toEqual([back.fewer, back.more])
  })

  it('says nothing without pairs, and refuses lengths that differ', () => {
    expect(pairedTrials([], [])).toMatchObject({ low: -1, high: 1, pMore: 1, trials: 0 })
    expect(risesLessP(pairedTrials([], []), 0.1)).toBe(1)
    expect(() => pairedTrials([0.1], [])).toThrow(RangeError)
  })
})

describe('a mean accuracy', () => {
  it('has the interval of Student, within what an accuracy can be', () => {
    const { estimate, low, high } = meanAccuracy([0.96, 0.97, 0.98])
    expect(estimate).toBeCloseTo(0.97, 12)
    // t(0.975, 2) = 4.302653; standard error 0.01 / √3.
    expect(low).toBeCloseTo(0.97 - (4.302653 * 0.01) / Math.sqrt(3), 6)
    expect(high).toBeCloseTo(0.97 + (4.302653 * 0.01) / Math.sqrt(3), 6)
    expect(meanAccuracy([0.9, 1, 1]).high).toBe(1)
    expect(meanAccuracy([0.9])).toMatchObject({ low: 0, high: 1 })
  })
})
