import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { incompleteBeta } from '../../../src/stats/beta.js'
import { bisect } from '../../../src/stats/bisect.js'
import { normalCdf, normalQuantile, twoSidedZ } from '../../../src/stats/normal.js'

function relativeError(got: number, want: number): number {
  return Math.abs(got - want) / Math.abs(want)
}

// mpmath 1.3, 40 digits: ncdf(x).
const cdf: readonly (readonly [x: number, phi: number])[] = [
  [-37, 5.725571222524577e-300],
  [-20, 2.7536241186062337e-89],
  [-8, 6.220960574271784e-16],
  [-5, 2.866515718791939e-7],
  [-3.0001, 0.0013494549132607172],
  [-3, 0.0013498980316300946],
  [-1.96, 0.024997895148220435],
  [-1, 0.15865525393145705],
  [-0.1, 0.460172162722971],
  [0.3, 0.6179114221889527],
  [1, 0.8413447460685429],
  [2.5, 0.9937903346742238],
  [3, 0.9986501019683699],
  [3.5, 0.9997673709209645],
  [6, 0.9999999990134123],
]

// mpmath 1.3, 40 digits: the root of log ncdf(x) = log p.
const quantiles: readonly (readonly [p: number, x: number])[] = [
  [1e-300, -37.0470962993612],
  [1e-20, -9.262340089798407],
  [1e-9, -5.9978070150076865],
  [0.001, -3.0902323061678136],
  [0.005, -2.575829303548901],
  [0.025, -1.9599639845400543],
  [0.05, -1.6448536269514726],
  [0.1, -1.2815515655446004],
  [0.3, -0.5244005127080408],
  [0.49, -0.025068908258711057],
  [0.75, 0.6744897501960817],
  [0.975, 1.9599639845400538],
  [0.9999, 3.7190164854557084],
]

describe('normal distribution', () => {
  it.each(cdf)('Φ(%d) = %d', (x, phi) => {
    expect(relativeError(normalCdf(x), phi)).toBeLessThan(1e-12)
  })

  it.each(quantiles)('quantile of %d = %d', (p, x) => {
    expect(relativeError(normalQuantile(p), x)).toBeLessThan(1e-12)
  })

  it('has its limits at the ends', () => {
    expect(normalCdf(-Infinity)).toBe(0)
    expect(normalCdf(Infinity)).toBe(1)
    expect(normalCdf(0)).toBe(0.5)
    expect(normalCdf(Number.NaN)).toBeNaN()
    expect(normalQuantile(0)).toBe(-Infinity)
    expect(normalQuantile(1)).toBe(Infinity)
    expect(normalQuantile(0.5)).toBe(0)
    expect(twoSidedZ(0.95)).toBeCloseTo(1.959963984540054, 13)
  })

  it.each([-0.1, 1.1, Number.NaN])('has no quantile of %d', (p) => {
    expect(() => normalQuantile(p)).toThrow(RangeError)
  })

  it('inverts itself, rises and is symmetric', () => {
    fc.assert(
      fc.property(fc.double({ min: -30, max: 7, noNaN: true }), (x) => {
        // Near 1 a double holds Φ to 1e-16 only, which is this much of x.
        const slack =
          1e-12 * Math.max(1, Math.abs(x)) + 3e-16 * Math.exp((x * x) / 2) * (x > 0 ? 1 : 0)
        expect(Math.abs(normalQuantile(normalCdf(x)) - x)).toBeLessThan(slack)
        expect(normalCdf(x + 1e-3)).toBeGreaterThan(normalCdf(x))
        expect(normalCdf(x) + normalCdf(-x)).toBeCloseTo(1, 14)
      }),
    )
  })
})

// mpmath 1.3 (betainc, regularised) and, for large a and b, mpmath's sum of the binomial tail, 30 digits.
const beta: readonly (readonly [a: number, b: number, x: number, value: number])[] = [
  [0.5, 0.5, 0.3, 0.36901011956554536],
  [2, 3, 0.5, 0.6875],
  [5, 1, 0.2, 0.00032],
  [10, 200, 0.01, 5.807789831248462e-5],
  [501_000, 499_001, 0.5, 0.02280414993269104],
  [510_000, 490_001, 0.5, 2.7721816438496123e-89],
  [1_000_000, 998_001, 0.5, 0.07864956889822816],
  [1_000_000, 1_000_001, 0.5, 0.500282094756512],
]

describe('incompleteBeta', () => {
  it.each(beta)('I(%d, %d; %d) = %d', (a, b, x, value) => {
    expect(relativeError(incompleteBeta(a, b, x), value)).toBeLessThan(1e-11)
  })

  it('is the binomial tail, summed by brute force', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.nat(1000),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        (n, pick, p) => {
          const k = 1 + (pick % n)
          let choose = 1
          let tail = 0
          for (let i = 0; i <= n; i++) {
            if (i >= k) tail += choose * p ** i * (1 - p) ** (n - i)
            choose = (choose * (n - i)) / (i + 1)
          }
          expect(Math.abs(incompleteBeta(k, n - k + 1, p) - tail)).toBeLessThan(
            1e-11 * tail + 1e-300,
          )
        },
      ),
    )
  })

  it('is symmetric and rises with x', () => {
    const shape = fc.double({ min: 0.05, max: 5e3, noNaN: true })
    // Multiples of 2^-20, so that 1 − x is exact.
    const unit = fc.nat(1 << 20).map((k) => k / (1 << 20))
    fc.assert(
      fc.property(shape, shape, unit, unit, (a, b, x, y) => {
        expect(incompleteBeta(a, b, x) + incompleteBeta(b, a, 1 - x)).toBeCloseTo(1, 9)
        expect(incompleteBeta(a, b, Math.min(x, y))).toBeLessThanOrEqual(
          incompleteBeta(a, b, Math.max(x, y)) + 1e-12,
        )
      }),
    )
  })

  it.each([
    [0, 1, 0.5],
    [1, -1, 0.5],
    [1, 1, 1.5],
    [1, 1, Number.NaN],
  ])('refuses I(%d, %d; %d)', (a, b, x) => {
    expect(() => incompleteBeta(a, b, x)).toThrow(RangeError)
  })
})

describe('bisect', () => {
  it('finds a tiny root to all its digits', () => {
    const root = bisect((x) => x < 1.2345678901234e-12, 0, 1)
    expect(relativeError(root, 1.2345678901234e-12)).toBeLessThan(1e-15)
  })

  it('ends at the border when the answer is there', () => {
    expect(bisect(() => false, 0, 1)).toBeLessThan(1e-300)
    expect(bisect(() => true, 0, 1)).toBeCloseTo(1, 15)
    expect(bisect(() => true, 0.5, 0.5)).toBe(0.5)
  })
})
