import { describe, expect, it } from 'vitest'
import { filtersOf } from '../../../src/pipeline/filters.js'
import { keepSamples, roundToBytes } from '../../../src/pipeline/samples.js'

describe('filters', () => {
  const request = { poisons: [3, 5], count: 20, seed: 1 }
  const suspects = new Map([
    ['a', Int32Array.of(1, 3)],
    ['b', Int32Array.of(0, 1, 2, 3, 4)],
  ])

  it('are those of the detectors, random as many as the largest, and the poisons', () => {
    const filters = filtersOf({ ...request, suspects })
    expect(filters.map(({ name, removed }) => [name, removed.length])).toEqual([
      ['a', 2],
      ['b', 5],
      ['random', 5],
      ['oracle', 2],
    ])
    const random = filters[2]!.removed
    expect(random).toEqual([...new Set(random)].sort((a, b) => a - b))
    expect(filters[3]!.removed).toEqual([3, 5])
  })

  it('take as many at random as are poisoned where no detector finds anything', () => {
    for (const none of [new Map(), new Map([['a', new Int32Array()]])]) {
      const random = filtersOf({ ...request, suspects: none }).find(({ name }) => name === 'random')
      expect(random!.removed).toHaveLength(2)
    }
  })

  it('are random: every sample is taken equally often', () => {
    const taken = Array.from({ length: 20 }, () => 0)
    for (let seed = 0; seed < 2000; seed++)
      for (const index of filtersOf({ ...request, suspects, seed })[2]!.removed) taken[index]!++
    // 500 ± 4.9 standard deviations of 19.4.
    for (const count of taken) expect(Math.abs(count - 500)).toBeLessThan(95)
  })
})

describe('samples', () => {
  it('are kept in order', () => {
    const set = { x: Float32Array.of(1, 2, 3, 4, 5, 6), labels: Int32Array.of(7, 8, 9) }
    expect(keepSamples(set, (index) => index !== 1)).toEqual({
      x: Float32Array.of(1, 2, 5, 6),
      labels: Int32Array.of(7, 9),
    })
  })

  it('of bytes are rounded where they are poisoned', () => {
    const x = Float32Array.of(0.001, 0.5, 0.001, 0.5)
    roundToBytes(x, [1], { shape: [2], divisor: 255 })
    expect(x.slice(0, 2)).toEqual(Float32Array.of(0.001, 0.5))
    expect(x.slice(2)).toEqual(Float32Array.of(0, 128 / 255))
    const floats = Float32Array.of(0.001)
    roundToBytes(floats, [0], { shape: [1], divisor: 1 })
    expect(floats[0]).toBe(Math.fround(0.001))
  })
})
