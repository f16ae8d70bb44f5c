import { describe, expect, it } from 'vitest'
import { marginOf } from '../../../attacks/evasion/lib/margin.js'
import { objectiveOf } from '../../../attacks/evasion/lib/objective.js'
import type { Sample } from '../../../src/plugin.js'

const sampleOf = (scores: readonly number[], label: number, target = -1): Sample =>
  ({ scores: Float32Array.from(scores), label, target }) as Sample

describe('the margin of scores', () => {
  it.each<[string, readonly number[], number, number, number]>([
    ['of a class that leads', [1, 4, 2], 1, -1, -2],
    ['of a class that is behind', [1, 4, 2], 0, -1, 3],
    ['on a tie', [2, 2, 1], 0, -1, 0],
    ['of a target that is behind', [1, 4, 2], 1, 2, -2],
    ['of a target that leads', [1, 4, 2], 0, 1, 2],
    ['of classes that are ruled out', [-Infinity, 4, 2], 1, -1, -2],
  ])('%s', (_, scores, label, target, expected) => {
    const sample = sampleOf(scores, label, target)
    expect(marginOf(sample)).toBe(expected)
    expect(objectiveOf('margin', sample)).toBe(expected)
  })

  it.each([0, 1, 2])(
    'is none where score %i is none, and no attack on scores keeps such a point',
    (at) => {
      for (const target of [-1, 1]) {
        const scores = [3, 9, 1]
        scores[at] = NaN
        const sample = sampleOf(scores, 0, target)
        expect(marginOf(sample)).toBeNaN()
        for (const name of ['margin', 'ce'] as const) expect(objectiveOf(name, sample)).toBeNaN()
      }
    },
  )
})

describe('the cross-entropy of scores', () => {
  it.each([-1, 2])('is −log p of the class, or log p of the target %i', (target) => {
    const scores = [0.5, -1, 2]
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0)
    const log = Math.log(Math.exp(scores[target < 0 ? 0 : target]!) / total)
    expect(objectiveOf('ce', sampleOf(scores, 0, target))).toBeCloseTo(target < 0 ? -log : log, 6)
  })
})
