import { describe, expect, it } from 'vitest'
import { keepTop, shrinkL1 } from '../../../attacks/evasion/lib/ball.js'
import { distance, project } from '../../../src/threat/ball.js'
import { samplesOf } from '../../helpers/networks.js'

const size = 41
const zero = new Float32Array(size)
const far = [-100, 100] as const

describe('l1', () => {
  it.each([0, 0.01, 0.5, 3, 1000])('radius %d: what the host projects to', (epsilon) => {
    for (let seed = 0; seed < 20; seed++) {
      const delta = samplesOf(1, [size], seed, [-2, 2])
      const expected = delta.slice()
      project({ norm: 'l1', epsilon, bounds: far, goal: { kind: 'untargeted' } }, zero, expected)
      shrinkL1(delta, epsilon)
      expect(distance('l1', delta, zero)).toBeLessThanOrEqual(epsilon * (1 + 1e-5))
      delta.forEach((d, i) => expect(d).toBeCloseTo(expected[i]!, 5))
    }
  })
})

describe('l0', () => {
  it.each([0, 1, 2, 7, 40, 41, 50])('%d values: none nearer within the bounds', (count) => {
    for (let seed = 0; seed < 30; seed++) {
      const clean = samplesOf(1, [size], seed)
      // Many equal values: ties are no reason to keep one more.
      const delta = samplesOf(1, [size], -1 - seed, [-2, 2]).map((d) => Math.round(4 * d) / 4)
      const before = delta.slice()
      keepTop(delta, count, clean, [0, 1])
      expect(delta.filter((d) => d !== 0).length).toBeLessThanOrEqual(count)
      const clipped = before.map((d, i) => clip(d, -clean[i]!, 1 - clean[i]!))
      const gains = clipped.map((c, i) => c * (2 * before[i]! - c))
      const best = gains.toSorted((a, b) => b - a).slice(0, count)
      const kept = delta.filter((_, i) => delta[i] !== 0 && delta[i] === clipped[i])
      expect(kept.length).toBe(delta.filter((d) => d !== 0).length)
      const found = gains.reduce((sum, gain, i) => sum + (delta[i] === 0 ? 0 : gain), 0)
      expect(found).toBeCloseTo(
        best.reduce((a, b) => a + b, 0),
        4,
      )
    }
  })
})

const clip = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high)
