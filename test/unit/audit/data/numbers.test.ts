import { describe, expect, it } from 'vitest'
import { bulkOf, upperQuantile } from '../../../../src/audit/data/lib/robust.js'
import { robustWhitening, whiten } from '../../../../src/audit/data/lib/robust-covariance.js'
import { splitValues } from '../../../../src/audit/data/lib/splits.js'
import { tUpperQuantile } from '../../../../src/stats/student.js'
import { jacobiEigen, topEigen } from '../../../../src/audit/data/lib/symmetric.js'
import { twoMeans } from '../../../../src/audit/data/lib/two-means.js'
import { findNeighbours } from '../../../../src/audit/data/lib/neighbours.js'
import { createRng } from '../../../../src/util/rng.js'

describe('eigenvalues', () => {
  it('are those of a matrix known by heart', () => {
    const { values, vectors } = jacobiEigen(Float64Array.of(2, 1, 0, 1, 2, 0, 0, 0, 5), 3)
    expect([...values].map((value) => value.toFixed(12))).toEqual(
      [5, 3, 1].map((v) => v.toFixed(12)),
    )
    expect(Math.abs(vectors[2]!)).toBeCloseTo(1, 12)
    expect(Math.abs(vectors[3]! - vectors[4]!)).toBeLessThan(1e-12)
  })

  it('of a large matrix are found by iteration as by rotations', () => {
    const n = 60
    const rng = createRng('eigen')
    const rows = Float64Array.from({ length: 90 * n }, (_, i) => rng.normal() * (1 + (i % n) / 9))
    const matrix = new Float64Array(n * n)
    for (let r = 0; r < 90; r++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) matrix[i * n + j]! += rows[r * n + i]! * rows[r * n + j]!
    const all = jacobiEigen(matrix, n)
    const top = topEigen(matrix, n, 5, rng)
    top.values.forEach((value, i) => expect(value / all.values[i]!).toBeCloseTo(1, 9))
    const along = all.vectors
      .subarray(0, n)
      .reduce((sum, value, i) => sum + value * top.vectors[i]!, 0)
    expect(Math.abs(along)).toBeCloseTo(1, 6)
  })
})

describe('the bulk', () => {
  const rng = createRng('bulk')
  const clean = Array.from({ length: 700 }, () => 3 + 2 * rng.normal())

  it('of normal values has their mean and deviation', () => {
    const { centre, scale } = bulkOf(Float64Array.from(clean).sort())
    expect(centre).toBeCloseTo(3, 0)
    expect(scale / 2).toBeCloseTo(1, 1)
  })

  it('does not see a third of far values', () => {
    const far = Array.from({ length: 300 }, () => 40 + rng.normal())
    const { centre, scale } = bulkOf(Float64Array.from([...clean, ...far]).sort())
    expect(Math.abs(centre - 3)).toBeLessThan(0.3)
    expect(scale / 2).toBeCloseTo(1, 1)
  })

  it('of equal values has no scale', () => {
    expect(bulkOf(Float64Array.of(1, 1, 1, 1, 9)).scale).toBe(0)
  })
})

describe('quantiles', () => {
  it('are order statistics, and beyond the data an exponential tail', () => {
    const rng = createRng('tail')
    const sorted = Float64Array.from({ length: 1000 }, () => -Math.log(1 - rng.uniform())).sort()
    expect(upperQuantile(sorted, 0.1)).toBeCloseTo(Math.log(10), 0)
    expect(upperQuantile(sorted, 0.1)).toBe(sorted[900])
    expect(Math.abs(upperQuantile(sorted, 1e-4) - Math.log(1e4))).toBeLessThan(3)
  })

  it.each([
    [0.025, 10, 2.2281],
    [0.01, 3, 4.5407],
    [0.05, 1, 6.3138],
  ])("Student's at %f with %i degrees of freedom is %f", (p, freedom, t) => {
    expect(tUpperQuantile(p, freedom)).toBeCloseTo(t, 4)
  })
})

describe('splits', () => {
  it('cut two groups apart, and say how far they are', () => {
    const rows = Int32Array.from({ length: 100 }, (_, i) => i)
    const values = Float64Array.from(rows, (i) => (i < 30 ? 10 : 0) + (i % 2 === 0 ? 1 : -1))
    const split = splitValues(0, rows, values, 'lesser')
    expect(split.share).toBe(0.3)
    expect(split.separation).toBeCloseTo(10, 9)
    expect([...split.depth].map((depth) => depth > 0)).toEqual([...rows].map((i) => i < 30))
  })

  it('of a normal class are 2.65 deviations apart', () => {
    const rng = createRng('normal split')
    const rows = Int32Array.from({ length: 20_000 }, (_, i) => i)
    const { separation } = splitValues(
      0,
      rows,
      Float64Array.from(rows, () => rng.normal()),
      'upper',
    )
    // (2 √(2/π)) / √(1 − 2/π)
    expect(separation).toBeCloseTo(2.647, 1)
  })

  it('by 2-means find the centres', () => {
    const rng = createRng('means')
    const rows = Int32Array.from({ length: 90 }, (_, i) => i)
    const data = Float32Array.from({ length: 180 }, (_, i) => (i < 60 ? 8 : 0) + 0.1 * rng.normal())
    const { centres, lesser } = twoMeans(data, rows, 2, rng)
    expect(lesser).toBe(30)
    expect(centres[0]).toBeCloseTo(0, 1)
    expect(centres[2]).toBeCloseTo(8, 1)
  })
})

describe('robust whitening', () => {
  it('is that of the bulk where a third lies elsewhere', () => {
    const rng = createRng('whitening')
    const rows = Int32Array.from({ length: 900 }, (_, i) => i)
    const data = Float32Array.from({ length: 2700 }, (_, i) => {
      const isPoison = i >= 1800
      return rng.normal() * [5, 1, 0.2][i % 3]! + (isPoison && i % 3 === 2 ? 3 : 0)
    })
    const whitening = robustWhitening(data, rows, 3, rng)
    const variance = [0, 0, 0]
    for (let row = 0; row < 600; row++)
      whiten(data, row, 3, whitening).forEach((value, d) => (variance[d]! += value ** 2 / 600))
    for (const value of variance) expect(Math.abs(value - 1)).toBeLessThan(0.25)
  })
})

describe('neighbours', () => {
  it('in projection trees are mostly those of all pairs', () => {
    const rng = createRng('neighbours')
    const [count, dims] = [7000, 4]
    const points = Float32Array.from({ length: count * dims }, () => rng.normal())
    const labels = Int32Array.from({ length: count }, () => rng.below(3))
    const found = findNeighbours({ dims, points, labels }, { most: 1, rng, checkpoint() {} })
    let right = 0
    for (let i = 0; i < 200; i++) {
      let best = Infinity
      for (let j = 0; j < count; j++) {
        if (labels[j] === labels[i]) continue
        let distance = 0
        for (let d = 0; d < dims; d++)
          distance += (points[i * dims + d]! - points[j * dims + d]!) ** 2
        best = Math.min(best, distance)
      }
      if (Math.abs(found.other[i]! - best) < 1e-5) right++
    }
    expect(right).toBeGreaterThan(180)
  })
})
