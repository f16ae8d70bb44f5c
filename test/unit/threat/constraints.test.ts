import { describe, expect, it } from 'vitest'
import { distance } from '../../../src/threat/ball.js'
import { Constraints } from '../../../src/threat/constraints.js'
import type { Features, Norm, ThreatModel } from '../../../src/threat/threat-model.js'
import { createRng } from '../../../src/util/rng.js'

const threatOf = (norm: Norm, epsilon: number, more: Partial<ThreatModel> = {}): ThreatModel => ({
  norm,
  epsilon,
  bounds: [0, 10],
  goal: { kind: 'untargeted' },
  ...more,
})

/** Values 0 to 6: fixed, scaled, bounded, whole, and a group of three. */
const features: Features = {
  scale: [0, 3, 1, 1, 1, 1, 1],
  lower: [0, 0, 2, 0, 0, 0, 0],
  upper: [10, 10, 5, 10, 1, 1, 1],
  integers: [3],
  oneHot: [[4, 5, 6]],
}
const clean = Float32Array.of(7, 5, 3, 4, 0, 1, 0)
const settled = (threat: ThreatModel, x: Float32Array, values: readonly number[]): number[] => {
  const constraints = new Constraints(threat, x.length)
  const point = Float32Array.from(values)
  const [lower, upper] = [x.slice(), x.slice()]
  if (threat.norm === 'linf') constraints.box(x, lower, upper)
  else constraints.project(x, point)
  const box = threat.norm === 'linf' ? { lower, upper } : {}
  constraints.settle(x, point, { ...box, isInBall: true })
  return [...point]
}

describe('the box in L∞', () => {
  it('is as wide as the scale of each value, within its bounds, and free for categories', () => {
    const constraints = new Constraints(threatOf('linf', 1.5, { features }), 7)
    const [lower, upper] = [new Float32Array(7), new Float32Array(7)]
    constraints.box(clean, lower, upper)
    expect([...lower]).toEqual([7, 0.5, 2, 2.5, 0, 0, 0])
    expect([...upper]).toEqual([7, 9.5, 4.5, 5.5, 1, 1, 1])
  })

  it('is a point for a group with a member that never changes', () => {
    const held = { ...features, scale: [1, 1, 1, 1, 1, 0, 1] }
    const constraints = new Constraints(threatOf('linf', 1, { features: held }), 7)
    const [lower, upper] = [new Float32Array(7), new Float32Array(7)]
    constraints.box(clean, lower, upper)
    expect([...lower.slice(4), ...upper.slice(4)]).toEqual([0, 1, 0, 0, 1, 0])
    expect([...constraints.scale]).toEqual([1, 1, 1, 1, 0, 0, 0])
  })

  it('holds a clean value outside the bounds of its feature', () => {
    const constraints = new Constraints(threatOf('linf', 0.5, { features }), 7)
    const x = Float32Array.of(7, 5, 9, 4, 0, 1, 0)
    const [lower, upper] = [new Float32Array(7), new Float32Array(7)]
    constraints.box(x, lower, upper)
    expect([lower[2], upper[2]]).toEqual([8.5, 9])
  })

  it.each([0.1, 1 / 3, 8 / 255, 1e-3])('agrees with the distance at epsilon %d', (epsilon) => {
    const rng = createRng('scales', epsilon)
    const scale = Array.from({ length: 200 }, () => rng.uniform() * 20)
    const constraints = new Constraints(threatOf('linf', epsilon, { features: { scale } }), 200)
    const x = Float32Array.from(scale, () => rng.uniform() * 10)
    const [lower, upper] = [x.slice(), x.slice()]
    constraints.box(x, lower, upper)
    for (const corner of [lower, upper]) {
      expect(constraints.distance(corner, x)).toBeLessThanOrEqual(epsilon)
      // The next float32 outward is beyond epsilon in each value.
      const bits = new Int32Array(corner.slice().buffer)
      for (let i = 0; i < 200; i++) {
        const far = x.slice()
        const outward = corner === upper ? 1 : -1
        new Int32Array(far.buffer)[i] = bits[i]! + outward
        if (far[i]! > 0 && far[i]! < 10 && corner[i]! > 0 && corner[i]! < 10)
          expect(constraints.distance(far, x)).toBeGreaterThan(epsilon)
      }
    }
  })
})

describe('distance', () => {
  it('in L∞ is in units of the scales, and leaves categories out', () => {
    const constraints = new Constraints(threatOf('linf', 1, { features }), 7)
    const at = (...point: number[]): number => constraints.distance(Float32Array.from(point), clean)
    expect(at(7, 8, 3, 4, 1, 0, 0)).toBe(1)
    expect(at(7, 5, 3, 4, 1, 0, 0)).toBe(0)
    expect(at(7.5, 5, 3, 4, 0, 1, 0)).toBe(Infinity)
  })

  it('in L0 counts a group once', () => {
    const l0 = new Constraints(
      threatOf('l0', 2, { features: { ...features, scale: [0, 1, 1, 1, 1, 1, 1] } }),
      7,
    )
    expect(l0.distance(Float32Array.of(7, 5, 3, 4, 1, 0, 0), clean)).toBe(1)
    expect(l0.distance(Float32Array.of(7, 6, 3, 4, 1, 0, 0), clean)).toBe(2)
  })
})

describe('settling', () => {
  it('rounds whole numbers, picks a category, and leaves the rest', () => {
    const threat = threatOf('linf', 1.5, { features })
    expect(settled(threat, clean, [7, 5.25, 3.5, 4.6, 0.2, 0.3, 0.4])).toEqual([
      7, 5.25, 3.5, 5, 0, 0, 1,
    ])
    // A draw stays with the clean category.
    expect(settled(threat, clean, [7, 5, 3, 5.5, 0.4, 0.4, 0.1])).toEqual([7, 5, 3, 5, 0, 1, 0])
  })

  it('goes towards the clean value at the edge of the box, and back to it where nothing fits', () => {
    const integers = { features: { integers: [0] } }
    expect(settled(threatOf('linf', 1.7, integers), Float32Array.of(4), [5.7])).toEqual([5])
    expect(settled(threatOf('linf', 0.7, integers), Float32Array.of(4), [4.7])).toEqual([4])
    expect(settled(threatOf('linf', 0.25, integers), Float32Array.of(4.5), [4.7])).toEqual([4.5])
    expect(settled(threatOf('linf', 2, integers), Float32Array.of(4.5), [4.5])).toEqual([4.5])
  })

  it('makes the levels of 8-bit pixels, as the data have them', () => {
    const threat = threatOf('linf', 2 / 255, { bounds: [0, 1], quantize: 8 })
    const levels = Float32Array.from({ length: 256 }, (_, k) => k / 255)
    const rng = createRng('levels')
    for (const shift of [-2, -1, 0, 1, 2]) {
      const values = Array.from(
        levels,
        (value) => value + (shift + 0.8 * (rng.uniform() - 0.5)) / 255,
      )
      const expected = levels.map((_, k) => levels[Math.min(Math.max(k + shift, 0), 255)]!)
      expect(settled(threat, levels, values)).toEqual([...expected])
    }
    expect(new Constraints(threat, 256).isSettled(levels)).toBe(true)
    expect(new Constraints(threat, 1).isSettled(Float32Array.of(0.5))).toBe(false)
  })

  it.each(['l2', 'l1'] as const)(
    'stays in the ball of %s, and is no shorter than it must be',
    (norm) => {
      const rng = createRng('ball', norm)
      for (let round = 0; round < 50; round++) {
        const size = 40
        const x = Float32Array.from({ length: size }, () => rng.below(16) / 15)
        const epsilon = (norm === 'l2' ? 0.3 : 2) * (0.2 + rng.uniform())
        const values = Array.from(x, (value) => value + 0.2 * rng.normal())
        const threat = threatOf(norm, epsilon, { bounds: [0, 1], quantize: 4 })
        const point = Float32Array.from(settled(threat, x, values))
        expect(distance(norm, point, x)).toBeLessThanOrEqual(epsilon)
        for (const value of point) expect(Math.fround(Math.round(value * 15) / 15)).toBe(value)
      }
    },
  )

  it('is its own fixed point', () => {
    const threat = threatOf('linf', 1.5, { features })
    const once = settled(threat, clean, [7, 6.1, 2.2, 2.6, 0.2, 0.3, 0.4])
    expect(settled(threat, clean, once)).toEqual(once)
  })
})

describe('room for examples', () => {
  const pixels = Float32Array.of(0, 3 / 15, 1)
  it.each([
    ['linf', 1 / 15, true],
    ['linf', 0.999 / 15, false],
    ['l2', 0.067, true],
    ['l2', 0.066, false],
    ['l1', 0.067, true],
    ['l1', 0.066, false],
    ['l0', 1, true],
  ] as const)('of 4-bit pixels in %s %d: %s', (norm, epsilon, isThere) => {
    const threat = threatOf(norm, epsilon, { bounds: [0, 1], quantize: 4 })
    const constraints = new Constraints(threat, 3)
    expect(constraints.leavesRoom(pixels)).toBe(isThere)
    // What says so is found by rounding every point next to the clean one, or none is.
    const found = [...pixels.keys()].flatMap((i) =>
      [-1, 1].map((side) => {
        const values = pixels.map((value, k) => (k === i ? value + side / 15 : value))
        return settled(threat, pixels, [...values])
      }),
    )
    expect(found.some((point) => point.some((value, i) => value !== pixels[i]))).toBe(isThere)
  })

  it('is what a value between two levels has, down to them', () => {
    const threat = threatOf('linf', 0.01, { bounds: [0, 1], quantize: 1 })
    expect(new Constraints(threat, 1).leavesRoom(Float32Array.of(0.995))).toBe(true)
    expect(new Constraints(threat, 1).leavesRoom(Float32Array.of(0.98))).toBe(false)
  })

  it('is in categories, unless they are held', () => {
    const oneHot = [[0, 1]]
    const x = Float32Array.of(0, 1)
    const of = (more: Features) =>
      new Constraints(threatOf('linf', 0.1, { features: { oneHot, ...more } }), 2).leavesRoom(x)
    expect([of({}), of({ scale: [0, 1] })]).toEqual([true, false])
  })
})

describe('projection in L0', () => {
  it('keeps the largest changes for their bounds; a group is one of them', () => {
    const fixed = { ...features, scale: [0, 1, 1, 1, 1, 1, 1] }
    const threat = threatOf('l0', 2, { features: fixed })
    expect(settled(threat, clean, [9, 6, 5, 5, 0.6, 0.5, 0])).toEqual([7, 5, 5, 4, 1, 0, 0])
    expect(settled({ ...threat, epsilon: 1 }, clean, [9, 6, 5, 5, 0.1, 0.8, 0])).toEqual([
      7, 5, 5, 4, 0, 1, 0,
    ])
  })

  it('draws no more values than epsilon allows', () => {
    const fixed = { ...features, scale: [0, 1, 1, 1, 1, 1, 1] }
    const constraints = new Constraints(threatOf('l0', 2, { features: fixed }), 7)
    const [rng, seen] = [createRng('draw'), new Set<number>()]
    for (let round = 0; round < 50; round++) {
      const out = clean.slice()
      constraints.random(clean, rng, out)
      expect(constraints.distance(out, clean)).toBeLessThanOrEqual(2)
      out.forEach((value, i) => value !== clean[i] && seen.add(i))
    }
    expect([...seen].sort()).toEqual([1, 2, 3, 4, 5, 6])
  })
})

describe('constraints that make no sense are refused', () => {
  it.each<[string, Partial<ThreatModel>]>([
    ['features are for threats in L∞ and L0', { norm: 'l2', features }],
    ['no such number of bits', { quantize: 0 }],
    ['not one finite number for each value', { features: { scale: [1] } }],
    ['no such value', { features: { integers: [7] } }],
    [
      'the same value twice',
      {
        features: {
          oneHot: [
            [1, 2],
            [2, 3],
          ],
        },
      },
    ],
    ['an integer in a one-hot group', { features: { integers: [1], oneHot: [[1, 2]] } }],
    ['a group of fewer than two', { features: { oneHot: [[1]] } }],
    ['a factor below 0', { features: { scale: [-1, 1, 1, 1, 1, 1, 1] } }],
    ['L0 has no epsilon for each value', { norm: 'l0', features }],
    ['the least value is not below', { features: { lower: [10, 0, 0, 0, 0, 0, 0] } }],
    ['a feature may leave the range', { features: { upper: [11, 9, 9, 9, 9, 9, 9] } }],
    ['rounded to integers or categories', { features: { integers: [1] }, quantize: 8 }],
  ])('%s', (message, change) => {
    expect(() => new Constraints(threatOf('linf', 1, change), 7)).toThrow(message)
  })
})
