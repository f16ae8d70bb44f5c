import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { twoSidedZ } from '../../../src/stats/normal.js'
import { tangoInterval, tangoNonInferiorityP, tangoScore } from '../../../src/stats/tango.js'
import type { PairedCounts } from '../../../src/stats/types.js'

function table(bothRight: number, broken: number, fixed: number, bothWrong: number): PairedCounts {
  return { bothRight, newlyBroken: broken, newlyFixed: fixed, bothWrong }
}

// Published score intervals; the last two as quoted by the tests of the R package ratesci.
const published: readonly {
  readonly source: string
  readonly counts: PairedCounts
  readonly confidence: number
  readonly interval: readonly [number, number]
}[] = [
  {
    source: 'Tango 1998, n = 32',
    counts: table(4, 3, 9, 16),
    confidence: 0.95,
    interval: [-0.027, 0.39],
  },
  {
    source: 'Tango 1998, contact lens disinfection, n = 44',
    counts: table(43, 1, 0, 0),
    confidence: 0.9,
    interval: [-0.096, 0.037],
  },
  {
    source: 'Agresti & Min 2005, n = 86',
    counts: table(53, 8, 16, 9),
    confidence: 0.95,
    interval: [-0.02, 0.207],
  },
  {
    source: 'Fagerland, Lydersen & Laake 2014, airway reactivity, n = 21',
    counts: table(1, 7, 1, 12),
    confidence: 0.95,
    interval: [-0.517, -0.026],
  },
  {
    source: 'Fagerland, Lydersen & Laake 2014, complete response, n = 161',
    counts: table(59, 16, 6, 80),
    confidence: 0.95,
    interval: [-0.124, -0.0054],
  },
  {
    source: 'Tang et al. 2010, n = 14',
    counts: table(8, 1, 3, 2),
    confidence: 0.95,
    interval: [-0.167, 0.4327],
  },
  {
    source: 'Chang 2024, n = 102',
    counts: table(7, 2, 25, 68),
    confidence: 0.95,
    interval: [0.139, 0.321],
  },
]

describe.each(published)('$source', ({ counts, confidence, interval }) => {
  it('has the published interval', () => {
    const { low, high } = tangoInterval(counts, confidence)
    // Half a unit in the last published digit.
    for (const [got, want] of [
      [low, interval[0]],
      [high, interval[1]],
    ] as const) {
      const decimals = String(want).length > 6 ? 4 : 3
      expect(Math.abs(got - want)).toBeLessThanOrEqual(0.5 * 10 ** -decimals + 1e-12)
    }
  })
})

const counts = fc
  .tuple(fc.nat(400), fc.nat(60), fc.nat(60), fc.nat(400))
  .map(([a, b, c, d]) => table(a, b, c, d))
  .filter((t) => t.bothRight + t.newlyBroken + t.newlyFixed + t.bothWrong > 0)
const confidence = fc.constantFrom(0.8, 0.9, 0.95, 0.99)

function trialsOf(t: PairedCounts): number {
  return t.bothRight + t.newlyBroken + t.newlyFixed + t.bothWrong
}

/** count · ln p, with 0 · ln 0 = 0. */
function term(count: number, p: number): number {
  return count === 0 ? 0 : count * Math.log(p)
}

/** log-likelihood of (fixed, broken, the rest) at q = P(broken) and p = P(fixed) = q + delta. */
function logLikelihood(t: PairedCounts, q: number, delta: number): number {
  const rest = t.bothRight + t.bothWrong
  return term(t.newlyFixed, q + delta) + term(t.newlyBroken, q) + term(rest, 1 - 2 * q - delta)
}

describe('Tango', () => {
  it('scores with the restricted maximum of the likelihood, found by search', () => {
    fc.assert(
      fc.property(counts, fc.double({ min: -0.95, max: 0.95, noNaN: true }), (t, delta) => {
        const n = trialsOf(t)
        // Golden-section search over all q that leave three probabilities.
        let left = Math.max(0, -delta)
        let right = (1 - delta) / 2
        const ratio = (Math.sqrt(5) - 1) / 2
        for (let i = 0; i < 90; i++) {
          const a = right - ratio * (right - left)
          const b = left + ratio * (right - left)
          if (logLikelihood(t, a, delta) < logLikelihood(t, b, delta)) left = a
          else right = b
        }
        const q = (left + right) / 2
        const variance = n * (2 * q + delta - delta * delta)
        fc.pre(variance > 1e-3)
        const want = (t.newlyFixed - t.newlyBroken - n * delta) / Math.sqrt(variance)
        const got = tangoScore(t.newlyBroken, t.newlyFixed, n, delta)
        expect(Math.abs(got - want)).toBeLessThan(1e-4 * Math.max(1, Math.abs(want)))
      }),
    )
  })

  it('has limits where the score is ±z', () => {
    fc.assert(
      fc.property(counts, confidence, (t, level) => {
        const z = twoSidedZ(level)
        const { low, high } = tangoInterval(t, level)
        const score = (delta: number): number =>
          tangoScore(t.newlyBroken, t.newlyFixed, trialsOf(t), delta)
        if (low > -1) expect(score(low)).toBeCloseTo(z, 5)
        if (high < 1) expect(score(high)).toBeCloseTo(-z, 5)
      }),
    )
  })

  it('stays in [−1, 1], holds the estimate and narrows with less confidence', () => {
    fc.assert(
      fc.property(counts, (t) => {
        const { low, high } = tangoInterval(t, 0.95)
        const estimate = (t.newlyFixed - t.newlyBroken) / trialsOf(t)
        expect(low).toBeGreaterThanOrEqual(-1)
        expect(high).toBeLessThanOrEqual(1)
        expect(low).toBeLessThanOrEqual(estimate)
        expect(high).toBeGreaterThanOrEqual(estimate)
        const narrow = tangoInterval(t, 0.8)
        expect(narrow.low).toBeGreaterThanOrEqual(low)
        expect(narrow.high).toBeLessThanOrEqual(high)
      }),
    )
  })

  it('mirrors when the versions change places', () => {
    fc.assert(
      fc.property(counts, confidence, (t, level) => {
        const there = tangoInterval(t, level)
        const back = tangoInterval(
          { ...t, newlyBroken: t.newlyFixed, newlyFixed: t.newlyBroken },
          level,
        )
        expect(there.low).toBe(-back.high)
        expect(there.high).toBe(-back.low)
      }),
    )
  })

  it('falls as the supposed difference rises', () => {
    const delta = fc.double({ min: -1, max: 1, noNaN: true })
    fc.assert(
      fc.property(counts, delta, delta, (t, a, b) => {
        const score = (x: number): number => tangoScore(t.newlyBroken, t.newlyFixed, trialsOf(t), x)
        expect(score(Math.max(a, b))).toBeLessThanOrEqual(score(Math.min(a, b)) + 1e-9)
      }),
    )
  })

  it('is z² / (n + z²) wide each way without a discordant pair', () => {
    const z = twoSidedZ(0.95)
    for (const n of [1, 2, 20, 1000, 1_000_000]) {
      const { low, high } = tangoInterval(table(n, 0, 0, 0))
      expect(high).toBeCloseTo((z * z) / (n + z * z), 13)
      expect(low).toBe(-high)
    }
  })

  it('reaches −1 when every pair broke, +1 when every pair was fixed', () => {
    const broken = tangoInterval(table(0, 12, 0, 0))
    expect(broken.low).toBe(-1)
    expect(broken.high).toBeGreaterThan(-1)
    expect(broken.high).toBeLessThan(-0.4)
    expect(tangoInterval(table(0, 0, 12, 0)).high).toBe(1)
  })

  it('works at a million pairs', () => {
    const { low, high } = tangoInterval(table(900_000, 40_000, 39_000, 21_000))
    // There the score interval is the normal one: −0.001 ± 1.96 √(0.079 / 1e6).
    const half = 1.959964 * Math.sqrt(0.079 / 1e6)
    expect(low).toBeCloseTo(-0.001 - half, 7)
    expect(high).toBeCloseTo(-0.001 + half, 7)
  })

  it('covers the true difference about as often as it says (enumeration, n = 25)', () => {
    const n = 25
    const intervals = new Map<string, { low: number; high: number }>()
    for (let broken = 0; broken <= n; broken++)
      for (let fixed = 0; broken + fixed <= n; fixed++)
        intervals.set(
          `${broken} ${fixed}`,
          tangoInterval(table(n - broken - fixed, broken, fixed, 0)),
        )
    const logFactorial = Array.from({ length: n + 1 }, (_, k) => k)
    for (let k = 1, sum = 0; k <= n; k++) {
      sum += Math.log(k)
      logFactorial[k] = sum
    }
    for (const [q, p] of [
      [0.1, 0.1],
      [0.2, 0.1],
      [0.05, 0.3],
      [0.3, 0.3],
    ] as const) {
      let coverage = 0
      for (const [key, { low, high }] of intervals) {
        const [broken = 0, fixed = 0] = key.split(' ').map(Number)
        const rest = n - broken - fixed
        const log =
          (logFactorial[n] ?? 0) -
          (logFactorial[broken] ?? 0) -
          (logFactorial[fixed] ?? 0) -
          (logFactorial[rest] ?? 0) +
          broken * Math.log(q) +
          fixed * Math.log(p) +
          rest * Math.log(1 - p - q)
        if (low <= p - q && p - q <= high) coverage += Math.exp(log)
      }
      expect(coverage).toBeGreaterThan(0.93)
      expect(coverage).toBeLessThan(0.98)
    }
  })

  it('knows nothing without pairs', () => {
    expect(tangoInterval(table(0, 0, 0, 0))).toEqual({ low: -1, high: 1 })
    expect(tangoNonInferiorityP(table(0, 0, 0, 0), 0.1)).toBe(1)
  })

  it.each([-0.01, 1, Number.NaN])('refuses the margin %d', (margin) => {
    expect(() => tangoNonInferiorityP(table(1, 1, 1, 1), margin)).toThrow(RangeError)
  })

  it('refuses counts that are none', () => {
    expect(() => tangoInterval(table(1, -1, 0, 0))).toThrow(/newlyBroken .* got -1/)
    expect(() => tangoInterval(table(1.5, 1, 0, 0))).toThrow(/bothRight/)
  })
})

describe('non-inferiority test', () => {
  // Tango 1998, contact lens data: one-sided P of non-inferiority at margin 0.1 is Φ(−1.709) = 0.044.
  it('agrees with the published contact lens example', () => {
    const lens = table(43, 1, 0, 0)
    expect(tangoScore(1, 0, 44, -0.1)).toBeCloseTo(1.709, 3)
    expect(tangoNonInferiorityP(lens, 0.1)).toBeCloseTo(0.0437, 3)
  })

  it('is small exactly when the one-sided limit clears the margin', () => {
    fc.assert(
      fc.property(counts, fc.double({ min: 0, max: 0.5, noNaN: true }), (t, margin) => {
        const { low } = tangoInterval(t, 0.9)
        fc.pre(Math.abs(low + margin) > 1e-9)
        expect(tangoNonInferiorityP(t, margin) < 0.05).toBe(low > -margin)
      }),
    )
  })

  it('grows more lenient with the margin', () => {
    fc.assert(
      fc.property(counts, fc.double({ min: 0, max: 0.8, noNaN: true }), (t, margin) => {
        expect(tangoNonInferiorityP(t, margin + 0.05)).toBeLessThanOrEqual(
          tangoNonInferiorityP(t, margin) + 1e-12,
        )
      }),
    )
  })
})
