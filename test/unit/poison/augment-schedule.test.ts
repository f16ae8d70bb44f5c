import { describe, expect, it } from 'vitest'
import { augment, type Augmentation } from '../../../src/poison/augment.js'
import { rateFactor, type Schedule } from '../../../src/poison/schedule.js'
import { createRng } from '../../../src/util/rng.js'

const shape = [2, 4, 4]
const original = Float32Array.from({ length: 32 }, (_, i) => i + 1)

function augmented(options: Augmentation, seed: number): Float32Array {
  const values = original.slice()
  augment(values, shape, options, createRng(seed))
  return values
}

const variants = (options: Augmentation): Float32Array[] =>
  Array.from({ length: 200 }, (_, seed) => augmented(options, seed))

describe('augmentation', () => {
  const mirrored = original.map((_, i) => original[i - (i % 4) + 3 - (i % 4)]!)

  it('flips left to right, with the probability it is given', () => {
    const flipped = variants({ flip: 0.5 }).filter((one) => one[0] !== 1)
    expect(flipped.length).toBeGreaterThan(70)
    expect(flipped.length).toBeLessThan(130)
    for (const one of flipped) expect(one).toEqual(mirrored)
    expect(augmented({ flip: 1 }, 1)).toEqual(mirrored)
  })

  it('moves by whole pixels, each way as often, and fills what comes in', () => {
    const seen = new Set<string>()
    for (const one of variants({ crop: 1, fill: -1 })) {
      const at = one.findIndex((value) => value === 6)
      const [dy, dx] = [Math.floor(at / 4) - 1, (at % 4) - 1]
      seen.add(`${dy},${dx}`)
      one.forEach((value, i) => {
        const [y, x] = [(Math.floor(i / 4) % 4) - dy, (i % 4) - dx]
        const isInside = y >= 0 && y < 4 && x >= 0 && x < 4
        expect(value).toBe(isInside ? original[i - 4 * dy - dx] : -1)
      })
    }
    expect(seen.size).toBe(9)
  })

  it('cuts a square out of all channels, smaller at the border', () => {
    const counts = variants({ cutout: 2, fill: 0 }).map((one) => {
      const gone = one.filter((value) => value === 0).length
      one.subarray(0, 16).forEach((value, i) => expect(value === 0).toBe(one[16 + i] === 0))
      return gone / 2
    })
    expect(new Set(counts)).toEqual(new Set([1, 2, 4]))
  })

  it('is the same for the same stream', () => {
    const all = { flip: 0.5, crop: 1, cutout: 2 }
    expect(augmented(all, 5)).toEqual(augmented(all, 5))
    expect(variants(all).some((one) => one.join() !== augmented(all, 5).join())).toBe(true)
  })
})

const at = (schedule: Schedule, step: number): number =>
  rateFactor(schedule, { step, steps: 100, epoch: Math.floor(step / 10) })

describe('schedules', () => {
  it.each<[string, Schedule, readonly (readonly [number, number])[]]>([
    [
      'constant',
      { kind: 'constant' },
      [
        [0, 1],
        [99, 1],
      ],
    ],
    [
      'constant after warm-up',
      { kind: 'constant', warmUp: 0.1 },
      [
        [0, 0.1],
        [4, 0.5],
        [10, 1],
      ],
    ],
    [
      'cosine',
      { kind: 'cosine' },
      [
        [0, 1],
        [50, 0.5],
        [25, (1 + Math.SQRT1_2) / 2],
      ],
    ],
    [
      'cosine to a tenth',
      { kind: 'cosine', end: 0.1 },
      [
        [0, 1],
        [50, 0.55],
      ],
    ],
    [
      'cosine after warm-up',
      { kind: 'cosine', warmUp: 0.2 },
      [
        [9, 0.5],
        [20, 1],
        [60, 0.5],
      ],
    ],
    [
      'linear',
      { kind: 'linear', end: 0.5 },
      [
        [0, 1],
        [50, 0.75],
      ],
    ],
    [
      'step',
      { kind: 'step', epochs: [3, 6] },
      [
        [29, 1],
        [30, 0.1],
        [60, 0.01],
        [99, 0.01],
      ],
    ],
    [
      'step by half',
      { kind: 'step', epochs: [5], factor: 0.5 },
      [
        [49, 1],
        [50, 0.5],
      ],
    ],
  ])('%s', (_, schedule, points) => {
    for (const [step, factor] of points) expect(at(schedule, step)).toBeCloseTo(factor, 12)
  })
})
