import { describe, expect, it } from 'vitest'
import { loadDataset } from '../../../src/data/load.js'
import { overlap } from '../../../src/data/overlap.js'

describe('samples of two sets', () => {
  it('are the same where their values are', async () => {
    const all = await loadDataset({ path: 'glyphs', limit: 40 })
    const first = await loadDataset({ path: 'glyphs', limit: 7 })
    expect(overlap(all, first)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(overlap(first, all)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(overlap(first, first)).toHaveLength(7)
  })

  it('are none in a set that was drawn elsewhere', async () => {
    const [one, other] = [1, 2].map((seed) => loadDataset({ path: 'glyphs', limit: 40, seed }))
    expect(overlap(await one!, await other!)).toEqual([])
  })

  it('are compared as a model sees them: bytes and their quotients are the same', async () => {
    const one = await loadDataset({ path: 'glyphs', limit: 3 })
    const values = Float32Array.from(one.values, (value) => Math.fround(value / one.divisor))
    expect(overlap(one, { ...one, values, divisor: 1 })).toEqual([0, 1, 2])
  })
})
