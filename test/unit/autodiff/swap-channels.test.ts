import { describe, expect, it } from 'vitest'
import { swapChannels } from '../../../src/autodiff/swap-channels.js'

describe('swapped channels', () => {
  it.each([
    [1, 1],
    [8, 4],
    [9, 21],
    [30, 7],
  ])('of %i by %i kernels put every tap where it belongs', (M, C) => {
    const taps = { from: 6, to: 4, pairs: [[3, 0] as const, [1, 5] as const] }
    const [source, target] = [5, 3]
    const from = Float32Array.from({ length: source + M * C * taps.from }, (_, k) => k + 1)
    const to = new Float32Array(target + M * C * taps.to)
    const expected = to.slice()
    for (let m = 0; m < M; m++)
      for (let c = 0; c < C; c++)
        for (const [place, tap] of taps.pairs)
          expected[target + (c * M + m) * taps.to + place] =
            from[source + (m * C + c) * taps.from + tap]!
    swapChannels(from, to, [M, C], taps, source, target)
    expect(to).toEqual(expected)
  })
})
