import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clopperPearson, wilson } from '../../../src/stats/proportion.js'

// Newcombe 1998, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, table I
// (methods 3 and 5), 95 %, four decimals.
const newcombe: readonly {
  readonly successes: number
  readonly trials: number
  readonly score: readonly [number, number]
  readonly exact: readonly [number, number]
}[] = [
  { successes: 81, trials: 263, score: [0.2553, 0.3662], exact: [0.2527, 0.3676] },
  { successes: 15, trials: 148, score: [0.0624, 0.1605], exact: [0.0578, 0.1617] },
  { successes: 0, trials: 20, score: [0, 0.1611], exact: [0, 0.1684] },
  { successes: 1, trials: 29, score: [0.0061, 0.1718], exact: [0.0009, 0.1776] },
]

// statsmodels 0.15.0, proportion_confint(method='wilson' | 'beta').
const statsmodels: readonly {
  readonly successes: number
  readonly trials: number
  readonly confidence: number
  readonly score: readonly [number, number]
  readonly exact: readonly [number, number]
}[] = [
  {
    successes: 81,
    trials: 263,
    confidence: 0.99,
    score: [0.24013690268760773, 0.38528250231822986],
    exact: [0.2368373581655392, 0.386258325669745],
  },
  {
    successes: 1,
    trials: 1_000_000,
    confidence: 0.95,
    score: [1.7652457674537176e-7, 5.664911804311444e-6],
    exact: [2.53178076637942e-8, 5.571630655166939e-6],
  },
  {
    successes: 500_000,
    trials: 1_000_000,
    confidence: 0.95,
    score: [0.4990200198900048, 0.5009799801099952],
    exact: [0.49901951919531184, 0.5009804808046882],
  },
  {
    successes: 20,
    trials: 20,
    confidence: 0.99,
    score: [0.7508945989012465, 1],
    exact: [0.7672704990109255, 1],
  },
  {
    successes: 3,
    trials: 7,
    confidence: 0.95,
    score: [0.15821985525146975, 0.7495416354723428],
    exact: [0.09898827844250789, 0.8159484323599169],
  },
]

describe.each(newcombe)(
  '$successes of $trials, as published',
  ({ successes, trials, score, exact }) => {
    it('Wilson', () => {
      const { low, high } = wilson(successes, trials)
      expect([low, high].map((end) => Number(end.toFixed(4)))).toEqual(score)
    })

    it('Clopper–Pearson', () => {
      const { low, high } = clopperPearson(successes, trials)
      expect([low, high].map((end) => Number(end.toFixed(4)))).toEqual(exact)
    })
  },
)

describe.each(statsmodels)(
  '$successes of $trials at $confidence',
  ({ successes, trials, confidence, score, exact }) => {
    it.each([
      ['Wilson', wilson, score],
      ['Clopper–Pearson', clopperPearson, exact],
    ] as const)('%s', (_name, interval, [low, high]) => {
      const got = interval(successes, trials, confidence)
      expect(Math.abs(got.low - low)).toBeLessThanOrEqual(1e-9 * low)
      expect(Math.abs(got.high - high)).toBeLessThanOrEqual(1e-9 * high)
    })
  },
)

// SIGNALS: half-widths of the 95 % interval at one half, in percentage points.
it.each([
  [100, 9.6],
  [500, 4.4],
  [1000, 3.1],
  [2000, 2.2],
  [10_000, 0.98],
])('half-width with %d samples is %d pp', (trials, halfWidth) => {
  const { low, high } = wilson(trials / 2, trials)
  expect(Number(((high - low) * 50).toFixed(trials === 10_000 ? 2 : 1))).toBe(halfWidth)
})

const share = fc
  .tuple(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([trials, part]) => ({ trials, successes: Math.round(part * trials) }))
const confidence = fc.constantFrom(0.8, 0.9, 0.95, 0.99, 0.999)

describe.each([
  ['wilson', wilson],
  ['clopperPearson', clopperPearson],
] as const)('%s', (_name, interval) => {
  it('lies in [0, 1] around the estimate', () => {
    fc.assert(
      fc.property(share, confidence, ({ successes, trials }, level) => {
        const { low, high, estimate } = interval(successes, trials, level)
        expect(low).toBeGreaterThanOrEqual(0)
        expect(low).toBeLessThanOrEqual(estimate)
        expect(high).toBeGreaterThanOrEqual(estimate)
        expect(high).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('mirrors when successes and failures are exchanged', () => {
    fc.assert(
      fc.property(share, confidence, ({ successes, trials }, level) => {
        const there = interval(successes, trials, level)
        const back = interval(trials - successes, trials, level)
        expect(there.low).toBeCloseTo(1 - back.high, 12)
        expect(there.high).toBeCloseTo(1 - back.low, 12)
      }),
    )
  })

  it('moves up with successes and widens with confidence', () => {
    fc.assert(
      fc.property(share, ({ successes, trials }) => {
        fc.pre(successes < trials)
        const here = interval(successes, trials)
        const more = interval(successes + 1, trials)
        const surer = interval(successes, trials, 0.99)
        expect(more.low).toBeGreaterThan(here.low)
        expect(more.high).toBeGreaterThan(here.high)
        expect(surer.low).toBeLessThanOrEqual(here.low)
        expect(surer.high).toBeGreaterThanOrEqual(here.high)
      }),
    )
  })

  it('knows nothing without trials', () => {
    expect(interval(0, 0)).toEqual({
      successes: 0,
      trials: 0,
      estimate: Number.NaN,
      low: 0,
      high: 1,
      confidence: 0.95,
    })
  })

  it.each([
    [-1, 10, 0.95],
    [1.5, 10, 0.95],
    [11, 10, 0.95],
    [Number.NaN, 10, 0.95],
    [1, Infinity, 0.95],
    [1, 10, 1],
    [1, 10, 0],
    [1, 10, Number.NaN],
  ])('refuses %d of %d at %d', (successes, trials, level) => {
    expect(() => interval(successes, trials, level)).toThrow(RangeError)
  })
})

/** P(X = k), by a product: small n only. */
function binomial(n: number, k: number, p: number): number {
  let term = 1
  for (let i = 1; i <= k; i++) term *= ((n - k + i) / i) * p
  return term * (1 - p) ** (n - k)
}

it('Clopper–Pearson covers the true share at least as often as it says', () => {
  for (const n of [1, 5, 12, 30]) {
    const intervals = Array.from({ length: n + 1 }, (_, k) => clopperPearson(k, n))
    for (let p = 0.01; p < 1; p += 0.01) {
      const coverage = intervals.reduce(
        (sum, { low, high }, k) => sum + (low <= p && p <= high ? binomial(n, k, p) : 0),
        0,
      )
      expect(coverage).toBeGreaterThanOrEqual(0.95 - 1e-12)
    }
  }
})
