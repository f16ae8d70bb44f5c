import { describe, expect, it } from 'vitest'
import { createRng } from '../../../src/util/rng.js'
import { drawAscending, range, shuffle } from '../../../src/util/shuffle.js'

describe('shuffle', () => {
  it('keeps every value, in place, the same for the same stream', () => {
    const values = range(50)
    const order = shuffle(values, createRng('a'))
    expect(order).toBe(values)
    expect(order).not.toEqual(range(50))
    expect(order.toSorted((a, b) => a - b)).toEqual(range(50))
    expect([...shuffle(new Int32Array(range(50)), createRng('a'))]).toEqual(order)
    expect(shuffle(range(50), createRng('b'))).not.toEqual(order)
  })

  it('brings each value to each place equally often', () => {
    const rng = createRng('places')
    const first = range(3).map(() => 0)
    for (let i = 0; i < 6000; i++) first[shuffle(range(3), rng)[0]!]!++
    // 2000 ± 37 each: five standard deviations.
    for (const count of first) expect(Math.abs(count - 2000)).toBeLessThan(185)
  })
})

describe('drawAscending', () => {
  it('takes so many different ones, in order, and all where there are no more', () => {
    const values = [3, 5, 8, 13, 21]
    const drawn = drawAscending(values, 3, createRng('draw'))
    expect(new Set(drawn).size).toBe(3)
    expect(drawn).toEqual(values.filter((value) => drawn.includes(value)))
    expect(drawAscending(values, 9, createRng('draw'))).toEqual(values)
    expect(drawAscending(values, 0, createRng('draw'))).toEqual([])
  })
})
