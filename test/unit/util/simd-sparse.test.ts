import { describe, expect, it } from 'vitest'
import { createRng, type Rng } from '../../../src/util/rng.js'
import * as kernels from '../../../src/util/simd/kernels.js'
import { samplesOf } from '../../helpers/networks.js'

const size = 41
const zero = new Float32Array(size)
const far = [-100, 100] as const
const clip = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high)
const lengthL1 = (delta: Float32Array): number =>
  delta.reduce((sum, value) => sum + Math.abs(value), 0)

/** θ of Σ max(|δ| − θ, 0) = ε, by sorting (Duchi et al. 2008, fig. 1). */
function shrunk(delta: Float32Array, epsilon: number): Float32Array {
  if (lengthL1(delta) <= epsilon) return delta
  const sizes = Array.from(delta, Math.abs).sort((a, b) => b - a)
  let [sum, theta] = [0, 0]
  for (const [k, value] of sizes.entries()) {
    sum += value
    if (value >= (sum - epsilon) / (k + 1)) theta = (sum - epsilon) / (k + 1)
  }
  return delta.map((d) => Math.sign(d) * Math.max(Math.abs(d) - theta, 0))
}

/** A step of no length: the projection alone. */
function projected(
  onto: 'l1' | 'l0',
  delta: Float32Array,
  {
    radius,
    clean = zero,
    bounds = far,
  }: { radius: number; clean?: Float32Array; bounds?: readonly [number, number] },
): Float32Array {
  const point = delta.map((d, i) => clean[i]! + d)
  kernels.stepAlong(point, clean, zero, { size: 1, onto, radius, bounds })
  return point.map((value, i) => value - clean[i]!)
}

describe('onto the ball of L1', () => {
  it.each([0, 0.01, 0.5, 3, 1000])('radius %d: the nearest point', (epsilon) => {
    for (let seed = 0; seed < 20; seed++) {
      const before = samplesOf(1, [size], seed, [-2, 2])
      const expected = shrunk(before, epsilon)
      const alone = before.slice()
      kernels.projectL1(alone, zero, epsilon)
      for (const delta of [alone, projected('l1', before, { radius: epsilon })]) {
        expect(lengthL1(delta)).toBeLessThanOrEqual(epsilon * (1 + 1e-6))
        delta.forEach((d, i) => expect(d).toBeCloseTo(expected[i]!, 5))
      }
    }
  })
})

/** A point in the box, a few of its values at a bound. */
function pointIn([low, high]: readonly [number, number], rng: Rng): Float32Array {
  return Float32Array.from({ length: size }, () => {
    const draw = rng.uniform()
    return draw < 0.1 ? low : draw > 0.9 ? high : low + (high - low) * rng.uniform()
  })
}

describe('onto the ball of L1 within a box', () => {
  const bounds = [-0.5, 2] as const

  it('is inside both, and no point that is inside both is nearer', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = createRng('l1-box', seed)
      const x = pointIn(bounds, rng)
      const before = Float32Array.from({ length: size }, () => 2 * rng.normal())
      const epsilon = 0.1 + 12 * rng.uniform()
      const delta = before.slice()
      kernels.projectL1(delta, x, epsilon, bounds)
      expect(lengthL1(delta)).toBeLessThanOrEqual(epsilon * (1 + 5e-7))
      delta.forEach((move, i) => {
        expect(x[i]! + move).toBeGreaterThanOrEqual(bounds[0] - 1e-6)
        expect(x[i]! + move).toBeLessThanOrEqual(bounds[1] + 1e-6)
      })
      // Of a projection p of d onto a convex set, (d − p)·(q − p) ≤ 0 for every q of the set.
      const other = Float32Array.from(x, () => rng.normal())
      kernels.projectL1(other, x, epsilon, bounds)
      const product = delta.reduce((sum, p, i) => sum + (before[i]! - p) * (other[i]! - p), 0)
      expect(product).toBeLessThanOrEqual(1e-4)
    }
  })

  it('leaves alone what is inside', () => {
    const delta = Float32Array.from({ length: size }, (_, i) => (i % 3 ? 0.01 : -0.02))
    const before = delta.slice()
    kernels.projectL1(delta, zero, 5, bounds)
    expect(delta).toEqual(before)
  })
})

describe('a clean value outside of the bounds', () => {
  it('does not go farther out', () => {
    const delta = Float32Array.of(-2, 0.5, 0.1)
    kernels.projectL1(delta, Float32Array.of(-0.5, 0.5, 0.5), 10, [0, 1])
    expect([...delta].map((d) => d + 0)).toEqual([0, 0.5, Math.fround(0.1)])
  })
})

describe('onto changes of a few values', () => {
  it.each([0, 1, 2, 7, 40, 41, 50])('%d values: none nearer within the bounds', (count) => {
    for (let seed = 0; seed < 30; seed++) {
      const clean = samplesOf(1, [size], seed).map((x) => Math.round(16 * x) / 16)
      // Many equal values: ties are no reason to keep one more.
      const before = samplesOf(1, [size], -1 - seed, [-2, 2]).map((d) => Math.round(4 * d) / 4)
      const delta = projected('l0', before, { radius: count, clean, bounds: [0, 1] })
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
      // Of equal ones the first.
      const least = Math.min(...gains.filter((_, i) => delta[i] !== 0))
      const equal = [...gains.keys()].filter((i) => gains[i] === least)
      const dropped = equal.findIndex((i) => delta[i] === 0)
      if (dropped >= 0) for (const i of equal.slice(dropped)) expect(delta[i]).toBe(0)
    }
  })

  it.each([NaN, Infinity])('leaves %d to the host, which mends and tells it', (strange) => {
    const gradient = zero.with(3, 1).with(5, strange)
    for (const onto of ['l1', 'l0'] as const) {
      const point = zero.slice()
      kernels.stepAlong(point, zero, gradient, { size: 1, onto, radius: 2, bounds: far })
      expect(point.some((value) => !Number.isFinite(value))).toBe(true)
    }
  })

  it('where fewer have changed, all of them', () => {
    const delta = zero.with(3, 0.5).with(17, -0.25)
    expect(projected('l0', delta, { radius: 5 })).toEqual(delta)
  })
})

describe('a sparse step of Auto-PGD in L1', () => {
  it('moves the values of the largest gradient, each by the same, and stays in the ball', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = createRng('sparse', seed)
      const bounds = [-0.5, 2] as const
      const clean = pointIn(bounds, rng)
      const from = clean.map((x) => clip(x + 0.2 * rng.normal(), ...bounds))
      // Whole numbers: a few are equal, a few 0.
      const gradient = Float32Array.from({ length: size }, () => Math.round(3 * rng.normal()))
      const count = 1 + rng.below(size)
      const sizes = gradient.map(Math.abs).toSorted((a, b) => b - a)
      const chosen = [...gradient.keys()].filter(
        (i) => gradient[i] !== 0 && Math.abs(gradient[i]!) >= sizes[count - 1]!,
      )
      const expected = from.map((x, i) => x - clean[i]!)
      for (const i of chosen) expected[i]! += (1.5 / chosen.length) * Math.sign(gradient[i]!)
      kernels.projectL1(expected, clean, 3, bounds)
      const [point, previous] = [from.slice(), new Float32Array(size)]
      kernels.moveL1({ point, previous, gradient, clean, radius: 3, bounds, stepSize: 1.5, count })
      expect(previous).toEqual(from)
      point.forEach((value, i) => expect(value).toBeCloseTo(clean[i]! + expected[i]!, 5))
    }
  })

  it('stays where there is no gradient, and goes everywhere it is the same', () => {
    const [point, previous] = [zero.slice(), zero.slice()]
    const rest = { previous, clean: zero, radius: 1, bounds: far, stepSize: 1, count: 7 }
    kernels.moveL1({ ...rest, point, gradient: zero })
    expect(point).toEqual(zero)
    kernels.moveL1({ ...rest, point, gradient: zero.map(() => -1e-42) })
    point.forEach((value) => expect(value).toBeCloseTo(-1 / size, 6))
  })
})

it('the greatest |v| is found wherever it stands', () => {
  for (let at = 0; at < size; at++)
    expect(kernels.greatest(zero.with((at + 3) % size, 2).with(at, -3))).toBe(3)
  expect(kernels.greatest(zero)).toBe(0)
})
