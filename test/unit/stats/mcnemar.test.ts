import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mcNemarDifferent, mcNemarWorse } from '../../../src/stats/mcnemar.js'

/** The tail in whole numbers: Σ C(n, k) / 2^n over k ≥ broken, rounded once at the end. */
function exactTail(broken: number, fixed: number): number {
  const n = BigInt(broken + fixed)
  let choose = 1n
  let sum = 0n
  for (let k = 0n; k <= n; k++) {
    if (k >= BigInt(broken)) sum += choose
    choose = (choose * (n - k)) / (k + 1n)
  }
  return Number((sum * 10n ** 40n) / 2n ** n) / 1e40
}

// The smallest counts that reach one-sided significance at 0.05 (SIGNALS.md section 4) and, below each, the same
// with one less broken, which does not. p-values: exact rational sums in Python.
const borders: readonly (readonly [broken: number, fixed: number, p: number])[] = [
  [5, 0, 0.03125],
  [4, 0, 0.0625],
  [9, 2, 0.03271484375],
  [8, 2, 0.0546875],
  [13, 5, 0.048126220703125],
  [12, 5, 0.0717315673828125],
  [20, 10, 0.04936857335269451],
  [19, 10, 0.06802297383546829],
  [33, 20, 0.04918532422024591],
  [32, 20, 0.06317353790696068],
  [69, 50, 0.04926181370112871],
  [68, 50, 0.058606470988157536],
]

describe('McNemar, one-sided', () => {
  it.each(borders)('%d broken, %d fixed: p = %d', (newlyBroken, newlyFixed, p) => {
    expect(mcNemarWorse({ newlyBroken, newlyFixed })).toBeCloseTo(p, 13)
  })

  it.each([
    [250, 0, 5.527147875260445e-76],
    [1000, 900, 0.011554422554450536],
    // Sums of the binomial tail in mpmath, 30 digits.
    [501_000, 499_000, 0.02280414993269104],
    [510_000, 490_000, 2.7721816438496123e-89],
    [1_000_000, 998_000, 0.07864956889822816],
  ])('%d broken, %d fixed: p = %d to eleven digits', (newlyBroken, newlyFixed, p) => {
    expect(Math.abs(mcNemarWorse({ newlyBroken, newlyFixed }) / p - 1)).toBeLessThan(1e-11)
  })

  it('equals the sum of the tail for all small tables', () => {
    for (let newlyBroken = 0; newlyBroken <= 25; newlyBroken++)
      for (let newlyFixed = 0; newlyFixed <= 25; newlyFixed++) {
        const want = exactTail(newlyBroken, newlyFixed)
        expect(Math.abs(mcNemarWorse({ newlyBroken, newlyFixed }) / want - 1)).toBeLessThan(1e-12)
      }
  })

  it('falls with every newly broken and rises with every newly fixed sample', () => {
    const count = fc.nat(2000)
    fc.assert(
      fc.property(count, count, (newlyBroken, newlyFixed) => {
        const p = mcNemarWorse({ newlyBroken, newlyFixed })
        expect(mcNemarWorse({ newlyBroken: newlyBroken + 1, newlyFixed })).toBeLessThanOrEqual(p)
        expect(mcNemarWorse({ newlyBroken, newlyFixed: newlyFixed + 1 })).toBeGreaterThanOrEqual(p)
        expect(p).toBeGreaterThanOrEqual(0)
        expect(p).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('is 1 when nothing broke', () => {
    expect(mcNemarWorse({ newlyBroken: 0, newlyFixed: 0 })).toBe(1)
    expect(mcNemarWorse({ newlyBroken: 0, newlyFixed: 40 })).toBe(1)
  })

  it.each([-1, 0.5, Number.NaN, Infinity])('refuses the count %d', (newlyBroken) => {
    expect(() => mcNemarWorse({ newlyBroken, newlyFixed: 1 })).toThrow(RangeError)
    expect(() => mcNemarWorse({ newlyBroken: 1, newlyFixed: newlyBroken })).toThrow(RangeError)
  })
})

describe('McNemar, two-sided', () => {
  // statsmodels 0.15.0, mcnemar(exact=True); 6 and 16 of 161: Fagerland, Lydersen & Laake 2014, P = 0.052479.
  it.each([
    [5, 0, 0.0625],
    [0, 5, 0.0625],
    [13, 5, 0.09625244140625],
    [16, 6, 0.052479],
    [1000, 900, 0.023108845108901193],
    [7, 7, 1],
    [0, 0, 1],
  ])('%d broken, %d fixed: p = %d', (newlyBroken, newlyFixed, p) => {
    expect(mcNemarDifferent({ newlyBroken, newlyFixed })).toBeCloseTo(p, 6)
  })

  it('does not depend on the direction', () => {
    fc.assert(
      fc.property(fc.nat(3000), fc.nat(3000), (a, b) => {
        expect(mcNemarDifferent({ newlyBroken: a, newlyFixed: b })).toBe(
          mcNemarDifferent({ newlyBroken: b, newlyFixed: a }),
        )
      }),
    )
  })
})
