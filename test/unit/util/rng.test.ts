import { describe, expect, it } from 'vitest'
import { createRng } from '../../../src/util/rng.js'

const draw = (...parts: (string | number)[]): number[] => {
  const rng = createRng(...parts)
  return Array.from({ length: 5 }, () => rng.uint32())
}

describe('createRng', () => {
  it('gives the same stream for the same parts and another for others', () => {
    expect(draw(1, 'pgd', 0)).toEqual(draw(1, 'pgd', 0))
    expect(draw(1, 'pgd', 0)).not.toEqual(draw(1, 'pgd', 1))
    // Parts are not joined as text.
    expect(draw('1', 2)).not.toEqual(draw(1, '2'))
    expect(draw(12)).not.toEqual(draw(1, 2))
  })

  it('is uniform: mean, variance and 64 bins', () => {
    const rng = createRng('uniform')
    const n = 64_000
    const bins = Array.from({ length: 64 }, () => 0)
    let sum = 0
    let squares = 0
    for (let i = 0; i < n; i++) {
      const u = rng.uniform()
      sum += u
      squares += u * u
      bins[Math.floor(u * 64)]!++
    }
    expect(sum / n).toBeCloseTo(0.5, 2)
    expect(squares / n - (sum / n) ** 2).toBeCloseTo(1 / 12, 2)
    // Chi-square with 63 degrees of freedom: 117 is its 0.9999 quantile.
    const chi = bins.reduce((total, count) => total + (count - 1000) ** 2 / 1000, 0)
    expect(chi).toBeLessThan(117)
  })

  it('is normal: mean, variance, tails', () => {
    const rng = createRng('normal')
    const values = Array.from({ length: 40_000 }, () => rng.normal())
    const mean = values.reduce((a, b) => a + b) / values.length
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
    expect(Math.abs(mean)).toBeLessThan(0.02)
    expect(Math.abs(variance - 1)).toBeLessThan(0.03)
    const beyond = values.filter((value) => Math.abs(value) > 1.959964).length / values.length
    expect(Math.abs(beyond - 0.05)).toBeLessThan(0.005)
  })

  it('fills arrays with what it would have drawn one by one', () => {
    const [one, many] = [createRng('fill'), createRng('fill')]
    const filled = new Float64Array(100)
    many.fillUniform(filled, 0, 1)
    expect([...filled]).toEqual(Array.from({ length: 100 }, () => one.uniform()))
    // And goes on from there.
    expect(many.uint32()).toBe(one.uint32())
    const ranged = new Float32Array(1000)
    many.fillUniform(ranged, -3, -1)
    expect(Math.min(...ranged)).toBeGreaterThanOrEqual(-3)
    expect(Math.max(...ranged)).toBeLessThanOrEqual(-1)
  })

  it('draws below n without missing a value, and forks independently', () => {
    const rng = createRng('below')
    const seen = new Set(Array.from({ length: 2000 }, () => rng.below(10)))
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const parent = createRng('parent')
    const before = parent.fork('child').uint32()
    parent.uint32()
    expect(parent.fork('child').uint32()).toBe(before)
  })
})
