import { describe, expect, it } from 'vitest'
import { anomalyIndices } from '../../../../src/audit/model/anomaly.js'

describe('anomaly indices', () => {
  it('are deviations below the median, 1.4826 MAD each', () => {
    // Median 10, deviations 8 1 0 1 2: MAD 1.
    const indices = anomalyIndices([2, 9, 10, 11, 12])
    expect(indices[0]).toBeCloseTo(8 / 1.4826, 10)
    expect(indices[2]).toBe(0)
    expect(indices[4]).toBeCloseTo(-2 / 1.4826, 10)
  })

  it('stay finite without a spread', () => {
    expect(anomalyIndices([1, 5, 5, 5, 5, 9])).toEqual([99, 0, 0, 0, 0, -99])
    expect(anomalyIndices([5, 5, 5])).toEqual([0, 0, 0])
  })

  it('leave NaN out', () => {
    const indices = anomalyIndices([NaN, 2, 9, 10, 11, 12])
    expect(indices[0]).toBeNaN()
    expect(indices.slice(1)).toEqual(anomalyIndices([2, 9, 10, 11, 12]))
  })
})
