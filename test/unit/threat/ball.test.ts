import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { box, distance, project, randomInBall } from '../../../src/threat/ball.js'
import type { Norm, ThreatModel } from '../../../src/threat/threat-model.js'
import { createRng } from '../../../src/util/rng.js'

const threatOf = (
  norm: Norm,
  epsilon: number,
  bounds: readonly [number, number] = [0, 1],
): ThreatModel => ({ norm, epsilon, bounds, goal: { kind: 'untargeted' } })

/** A double as a fraction of 2^1074, which every one of them is. */
function exactly(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const size = exponent === 0n ? fraction : (fraction | 0x10000000000000n) << (exponent - 1n)
  return bits >> 63n ? -size : size
}

const sizeOf = (value: bigint): bigint => (value < 0n ? -value : value)

const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1 })
const epsilons = fc.oneof(
  fc.double({ min: 1e-12, max: 2, noNaN: true }),
  fc.integer({ min: 1, max: 255 }).map((level) => level / 255),
  // Close to where float32s lie: sums that round to one.
  fc
    .tuple(fc.integer({ min: -24, max: 0 }), fc.integer({ min: -60, max: -50 }))
    .map(([a, b]) => 2 ** a - 2 ** b),
)

describe('distance', () => {
  it.each([
    ['linf', 4],
    ['l2', Math.sqrt(26)],
    ['l1', 8],
    ['l0', 3],
    ['severity', 1],
  ] as const)('%s', (norm, expected) => {
    const [a, b] = [Float32Array.of(1, -1, 2, 0), Float32Array.of(2, 3, -1, 0)]
    expect(distance(norm, a, b)).toBeCloseTo(expected, 12)
    expect(distance(norm, a, a)).toBe(0)
  })

  it.each(['linf', 'l2', 'l1', 'l0', 'severity'] as const)(
    '%s of NaN is NaN, wherever it stands',
    (norm) => {
      for (let i = 0; i < 3; i++) {
        const a = new Float32Array(3)
        a[i] = NaN
        expect(distance(norm, a, new Float32Array(3))).toBeNaN()
      }
    },
  )

  it('is in float64: small values beside large ones count', () => {
    const [a, b] = [Float32Array.of(1e8, 1), new Float32Array(2)]
    expect(distance('l1', a, b)).toBe(100000001)
  })
})

describe('the box of L∞', () => {
  it('holds only float32s within epsilon in exact arithmetic, and reaches as far as there are any', () => {
    fc.assert(
      fc.property(float, epsilons, (x, epsilon) => {
        const [lower, upper] = [new Float32Array(1), new Float32Array(1)]
        box(Float32Array.of(x), threatOf('linf', epsilon, [-10, 10]), lower, upper)
        const radius = exactly(epsilon)
        for (const [end, outward] of [
          [lower[0]!, -1],
          [upper[0]!, 1],
        ] as const) {
          expect(sizeOf(exactly(end) - exactly(x)) <= radius).toBe(true)
          const beyond = neighbour(end, outward)
          expect(sizeOf(exactly(beyond) - exactly(x)) > radius).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('lies within the bounds and holds the sample', () => {
    fc.assert(
      fc.property(float, epsilons, (x, epsilon) => {
        const [lower, upper] = [new Float32Array(1), new Float32Array(1)]
        box(Float32Array.of(x), threatOf('linf', epsilon), lower, upper)
        expect(lower[0]).toBeGreaterThanOrEqual(0)
        expect(lower[0]).toBeLessThanOrEqual(x)
        expect(upper[0]).toBeGreaterThanOrEqual(x)
        expect(upper[0]).toBeLessThanOrEqual(1)
      }),
    )
  })

  it.each([0, 1, 0.5, 2 ** -149, 1 - 2 ** -24])(
    'of an epsilon under one step is %d itself',
    (x) => {
      const [lower, upper] = [new Float32Array(1), new Float32Array(1)]
      box(Float32Array.of(x), threatOf('linf', 1e-60), lower, upper)
      expect([lower[0], upper[0]]).toEqual([x, x])
    },
  )
})

/** The next float32 above (1) or below (−1). */
function neighbour(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * 2 ** -149
  const floats = Float32Array.of(value)
  new Int32Array(floats.buffer)[0]! += value > 0 ? direction : -direction
  return floats[0]!
}

/** Duchi et al. 2008, fig. 1, and the L2 projection, in float64. */
function reference(norm: Norm, delta: readonly number[], epsilon: number): number[] {
  if (norm === 'l2') {
    const scale = Math.min(1, epsilon / (Math.hypot(...delta) || 1))
    return delta.map((d) => scale * d)
  }
  const sizes = delta.map(Math.abs)
  if (sizes.reduce((a, b) => a + b, 0) <= epsilon) return [...delta]
  let [sum, theta] = [0, 0]
  sizes
    .toSorted((a, b) => b - a)
    .forEach((value, j) => {
      sum += value
      if (value > (sum - epsilon) / (j + 1)) theta = (sum - epsilon) / (j + 1)
    })
  return delta.map((d) => Math.sign(d) * Math.max(Math.abs(d) - theta, 0))
}

describe.each(['l2', 'l1'] as const)('projection onto the %s ball', (norm) => {
  const vector = fc.float32Array({ noNaN: true, min: 0, max: 1, minLength: 6, maxLength: 6 })
  const point = fc.float32Array({ noNaN: true, min: -20, max: 20, minLength: 6, maxLength: 6 })

  it('ends within epsilon, always', () => {
    fc.assert(
      fc.property(vector, point, epsilons, (x, start, epsilon) => {
        const moved = start.slice()
        project(threatOf(norm, epsilon), x, moved)
        expect(distance(norm, moved, x)).toBeLessThanOrEqual(epsilon)
        expect(moved.every((value) => value >= 0 && value <= 1)).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  it('is the one on paper', () => {
    fc.assert(
      fc.property(
        vector,
        point,
        fc.double({ min: 1e-3, max: 30, noNaN: true }),
        (x, start, epsilon) => {
          const moved = start.slice()
          project(threatOf(norm, epsilon, [-100, 100]), x, moved)
          const wanted = reference(
            norm,
            Array.from(start, (value, i) => value - x[i]!),
            epsilon,
          )
          moved.forEach((value, i) => expect(value).toBeCloseTo(x[i]! + wanted[i]!, 4))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('leaves a point inside alone', () => {
    const x = Float32Array.of(0.5, 0.5, 0.5)
    const inside = Float32Array.of(0.51, 0.48, 0.5)
    const moved = inside.slice()
    project(threatOf(norm, 0.1), x, moved)
    expect(moved).toEqual(inside)
  })

  it('ends soon where epsilon is near what float32 can tell apart', () => {
    const rng = createRng('tiny', norm)
    const x = Float32Array.from({ length: 3072 }, () => 0.5 + 0.4 * rng.uniform())
    for (const epsilon of [1e-30, 1e-8, 1e-7, 3e-6, 1e-5, 1e-4]) {
      const moved = x.map((value) => value + 6e-8 * (rng.below(3) - 1))
      const start = performance.now()
      project(threatOf(norm, epsilon), x, moved)
      expect(performance.now() - start).toBeLessThan(50)
      expect(distance(norm, moved, x)).toBeLessThanOrEqual(epsilon)
    }
  })
})

describe.each(['linf', 'l2', 'l1'] as const)('a random point of the %s ball', (norm) => {
  const [dimensions, draws, epsilon] = [5, 4000, 0.3]
  const x = new Float32Array(dimensions).fill(10)
  const rng = createRng('ball', norm)
  const deltas = Array.from({ length: draws }, () => {
    const out = new Float32Array(dimensions)
    randomInBall(threatOf(norm, epsilon, [-100, 100]), x, rng, out)
    return out.map((value, i) => value - x[i]!)
  })
  const zero = new Float32Array(dimensions)
  /** Standard deviations of a mean of `draws` values between 0 and 1 are at most 0.5 / √draws = 0.008. */
  const close = 0.04

  it('is uniform in volume: E[(r/ε)^d] = 1/2, and every quarter holds a quarter', () => {
    const shares = deltas.map((delta) => (distance(norm, delta, zero) / epsilon) ** dimensions)
    const mean = shares.reduce((a, b) => a + b, 0) / draws
    expect(Math.abs(mean - 0.5)).toBeLessThan(close)
    for (const quarter of [0, 1, 2, 3]) {
      const held = shares.filter((s) => s >= quarter / 4 && s < (quarter + 1) / 4).length / draws
      expect(Math.abs(held - 0.25)).toBeLessThan(close)
    }
    expect(Math.max(...shares)).toBeLessThan(1 + 1e-4)
  })

  it('leans to no side and no axis', () => {
    for (let i = 0; i < dimensions; i++) {
      const above = deltas.filter((delta) => delta[i]! > 0).length / draws
      expect(Math.abs(above - 0.5)).toBeLessThan(close)
      const largest = deltas.filter((delta) => {
        const sizes = Array.from(delta, Math.abs)
        return sizes[i] === Math.max(...sizes)
      })
      expect(Math.abs(largest.length / draws - 1 / dimensions)).toBeLessThan(close)
    }
    const together = deltas.filter((delta) => delta[0]! * delta[1]! > 0).length / draws
    expect(Math.abs(together - 0.5)).toBeLessThan(close)
  })

  it('is the same for the same stream, and finite even when all draws are zero', () => {
    const draw = (): Float32Array => {
      const out = new Float32Array(dimensions)
      randomInBall(threatOf(norm, epsilon), x, createRng('same'), out)
      return out
    }
    expect(draw()).toEqual(draw())
    const silent = { ...createRng(0), uniform: () => 0, normal: () => 0 }
    const out = new Float32Array(dimensions)
    randomInBall(threatOf(norm, epsilon), x, silent, out)
    expect(out.every(Number.isFinite)).toBe(true)
  })
})
