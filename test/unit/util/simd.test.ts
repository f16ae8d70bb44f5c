import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from 'assemblyscript/asc'
import * as fc from 'fast-check'

import { format } from 'prettier'
import { beforeAll, describe, expect, it } from 'vitest'
import { normalCdf } from '../../../src/stats/normal.js'
import { distance } from '../../../src/threat/ball.js'
import { greatestWithin, leastWithin } from '../../../src/util/float32.js'
import { createRng } from '../../../src/util/rng.js'
import * as kernels from '../../../src/util/simd/kernels.js'
import { leastStep } from '../../helpers/planes.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const modulePath = join(root, 'src/util/simd/module.ts')

async function compile(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'gauntlet-kernels-'))
  try {
    const outFile = join(folder, 'kernels.wasm')
    const source = join(root, 'src/util/simd/assembly/kernels.ts')
    const options = ['-O3', '--noAssert', '--enable', 'simd', '--runtime', 'stub']
    const { error, stderr } = await main([source, '--outFile', outFile, ...options])
    if (error) throw new Error(stderr.toString())
    return await readFile(outFile)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('the compiled module', () => {
  it('is what the source says; GAUNTLET_UPDATE=1 writes it', async () => {
    const text = Buffer.from(await compile()).toString('base64')
    const lines = text.match(/.{1,110}/g)!.map((line) => `  '${line}'`)
    const fresh = await format(
      `/** Written by \`test/unit/util/simd.test.ts\` from \`assembly/kernels.ts\`. */\nexport const moduleBase64 =\n${lines.join(' +\n')}\n`,
      { parser: 'typescript', printWidth: 100, semi: false, singleQuote: true },
    )
    if (process.env['GAUNTLET_UPDATE']) await writeFile(modulePath, fresh)
    expect(await readFile(modulePath, 'utf8')).toBe(fresh)
  }, 60_000)
})

/** Samples of one length, which is not always a multiple of four, and of values that are not always small. */
const samples = (count: number, value = fc.float({ min: -4, max: 4, noNaN: true })) =>
  fc
    .integer({ min: 1, max: 150 })
    .chain((n) =>
      fc.tuple(
        ...Array.from({ length: count }, () =>
          fc
            .array(value, { minLength: n, maxLength: n })
            .map((values) => Float32Array.from(values)),
        ),
      ),
    )
const anything = fc.oneof(
  { weight: 20, arbitrary: fc.float({ min: -4, max: 4, noNaN: true }) },
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 3.4e38),
)
const check = (
  count: number,
  holds: (...arrays: Float32Array[]) => void,
  value?: fc.Arbitrary<number>,
): void => fc.assert(fc.property(samples(count, value), (arrays) => void holds(...arrays)))

const sum = (values: Float32Array, of: (i: number) => number): number =>
  Array.from(values, (_, i) => of(i)).reduce((a, b) => a + b, 0)
const sorted = (a: Float32Array, b: Float32Array): [Float32Array, Float32Array] => [
  a.map((value, i) => Math.min(value, b[i]!)),
  a.map((value, i) => Math.max(value, b[i]!)),
]
const clamp = (value: number, least: number, most: number): number =>
  Math.min(Math.max(value, least), most)

/** Into the ball of L∞, then into the bounds: a sample outside of them comes back. */
const boxed =
  (clean: number, radius: number, [low, high]: readonly [number, number]) =>
  (value: number): number =>
    Math.min(Math.max(value, Math.max(clean - radius, low)), Math.min(clean + radius, high))

const isClamped =
  (interval: (i: number) => [number, number], before: Float32Array) =>
  (isStrange: boolean, after: Float32Array, clean: Float32Array): void => {
    expect(isStrange).toBe(before.some((value) => !Number.isFinite(value)))
    after.forEach((value, i) => {
      const from = Number.isNaN(before[i]) ? clean[i]! : before[i]!
      // Of two zeros either may be the greater.
      expect(value + 0).toBe(clamp(from, ...interval(i)) + 0)
    })
  }

describe('clamping', () => {
  it('puts every value into its interval, NaN by the clean value, and says what was not finite', () => {
    check(
      4,
      (point, clean, a, b) => {
        if ([clean, a, b].some((values) => values!.some((value) => !Number.isFinite(value)))) return
        const [lower, upper] = sorted(a!, b!)
        const after = point!.slice()
        const isStrange = kernels.clampWithin(after, clean!, lower, upper)
        isClamped((i) => [lower[i]!, upper[i]!], point!)(isStrange, after, clean!)
        const [least, most] = [lower[0]!, upper[0]!]
        const same = point!.slice()
        const isStrangeToo = kernels.clampBetween(same, clean!, [least, most])
        isClamped(() => [least, most], point!)(isStrangeToo, same, clean!)
      },
      anything,
    )
  })

  it('keeps to intervals of float64', () => {
    const point = Float32Array.of(0.1, 0.3)
    // Float32 has no 0.1 and no 0.3: the nearest are outside of [0.1, 0.3].
    const [least, most] = [point[0]! > 0.1 ? 0.1 : 0.11, 0.3]
    kernels.clampBetween(point, point.slice(), [least, most])
    for (const value of point) {
      expect(value).toBeGreaterThanOrEqual(least)
      expect(value).toBeLessThanOrEqual(most)
    }
    expect(kernels.isBetween(Float32Array.of(0.3), [0, 0.3])).toBe(Math.fround(0.3) <= 0.3)
  })

  it('tells whether all values are between two', () => {
    check(
      1,
      (point) =>
        expect(kernels.isBetween(point!, [-1.5, 3.5])).toBe(
          point!.every((value) => value >= -1.5 && value <= 3.5),
        ),
      anything,
    )
    // What stands behind the values is none of them.
    expect(kernels.isBetween(Float32Array.of(5, 6, 7), [4, 8])).toBe(true)
  })
})

describe('balls', () => {
  const epsilons = fc.constantFrom(4 / 255, 0.25, 8 / 255, 1e-9, 3, 0.1)

  it('of L∞ have boxes, the widest of float32 within epsilon, in exact arithmetic, and within the bounds', () => {
    fc.assert(
      fc.property(samples(1), epsilons, ([x], epsilon) => {
        const [lower, upper] = [x!.slice(), x!.slice()]
        kernels.box(x!, lower, upper, epsilon, [-3, 3.5])
        x!.forEach((value, i) => {
          expect(lower[i]! + 0).toBe(Math.max(leastWithin(value, epsilon), -3) + 0)
          expect(upper[i]! + 0).toBe(Math.min(greatestWithin(value, epsilon), 3.5) + 0)
        })
        // The edges of a box are in the ball, where clean values are within the bounds.
        kernels.box(x!, lower, upper, epsilon, [-4, 4])
        for (const edge of [lower, upper])
          expect(kernels.isInBall('linf', edge, x!, epsilon, [-4, 4])).toBe(true)
      }),
    )
  })

  it('hold what is no farther and within the bounds, and no NaN', () => {
    check(
      2,
      (point, clean) => {
        const isBetween = point!.every((value) => value >= -2 && value <= 3.5)
        for (const [norm, epsilon] of [
          ['linf', 1.5],
          ['l2', 4],
          ['l1', 20],
        ] as const) {
          const isIn = isBetween && distance(norm, point!, clean!) <= epsilon
          expect(kernels.isInBall(norm, point!, clean!, epsilon, [-2, 3.5])).toBe(isIn)
        }
      },
      anything,
    )
    // What stands behind the values is none of them.
    for (const norm of ['linf', 'l2', 'l1'] as const) {
      const [point, clean] = [Float32Array.of(5), Float32Array.of(5.5)]
      expect(kernels.isInBall(norm, point, clean, 1, [4, 8])).toBe(true)
      expect(kernels.isInBall(norm, point, clean, 0.4, [4, 8])).toBe(false)
      expect(kernels.isInBall(norm, point, clean, Infinity, [6, 8])).toBe(false)
    }
  })

  it('are kept to by the moves of Auto-PGD, to the last bit where clean values are over epsilon', () => {
    fc.assert(
      fc.property(samples(4), epsilons, ([point, previous, gradient, clean], epsilon) => {
        // Every value at least epsilon away from 0.
        for (let i = 0; i < clean!.length; i++) clean![i]! += clean![i]! < 0 ? -epsilon : epsilon
        const box = { clean: clean!, radius: epsilon, bounds: [-8, 8] as const }
        const sizes = { stepSize: 2 * epsilon, share: 1 }
        kernels.moveLinf({
          point: point!,
          previous: previous!,
          gradient: gradient!,
          ...box,
          ...sizes,
        })
        expect(kernels.isInBall('linf', point!, clean!, epsilon, [-8, 8])).toBe(true)
      }),
    )
  })
})

describe('lengths and distances', () => {
  it('are those of sums in float64', () => {
    check(2, (a, b) => {
      const difference = (i: number): number => a![i]! - b![i]!
      const most = Math.max(...Array.from(a!, (_, i) => Math.abs(difference(i))))
      expect(kernels.distanceLinf(a!, b!)).toBe(most)
      const square = sum(a!, (i) => difference(i) ** 2)
      expect(kernels.distanceL2(a!, b!)).toBeCloseTo(Math.sqrt(square), 10)
      expect(kernels.distanceL1(a!, b!)).toBeCloseTo(
        sum(a!, (i) => Math.abs(difference(i))),
        10,
      )
      expect(kernels.squareOf(a!)).toBeCloseTo(
        sum(a!, (i) => a![i]! ** 2),
        9,
      )
      expect(kernels.lengthL1(a!)).toBeCloseTo(
        sum(a!, (i) => Math.abs(a![i]!)),
        10,
      )
    })
  })

  it('are NaN where a value is, wherever it stands', () => {
    for (let n = 1; n < 12; n++)
      for (let at = 0; at < n; at++) {
        const a = new Float32Array(n).fill(3)
        a[at] = NaN
        const b = new Float32Array(n).fill(1)
        for (const distance of [kernels.distanceLinf, kernels.distanceL2, kernels.distanceL1]) {
          expect(distance(a, b)).toBeNaN()
          expect(distance(b, a)).toBeNaN()
        }
      }
  })
})

/** Slopes as networks have them: none, or not a billionth of the others. */
const slope = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 9, arbitrary: fc.float({ min: Math.fround(0.01), max: 4, noNaN: true }) },
  { weight: 9, arbitrary: fc.float({ min: -4, max: Math.fround(-0.01), noNaN: true }) },
)

describe('moves', () => {
  it('lean towards the clean sample', () => {
    check(2, (before, clean) => {
      for (const factor of [0, 0.9, 1, 1.5]) {
        const point = before!.slice()
        kernels.lean(point, clean!, factor, [-2, 3])
        const { fround } = Math
        point.forEach((value, i) => {
          const next = fround(clean![i]! + factor * (before![i]! - clean![i]!))
          expect(value + 0).toBe(clamp(next, -2, 3) + 0)
        })
      }
    })
  })

  it('cut what goes too far', () => {
    check(2, (before, clean) => {
      const point = before!.slice()
      kernels.clipAround(point, clean!, 1.5, [-3, 3.5])
      point.forEach((value, i) => {
        const d = clamp(before![i]! - clean![i]!, -1.5, 1.5)
        expect(value).toBeCloseTo(clamp(clean![i]! + d, -3, 3.5), 5)
      })
    })
  })

  it('are those of Auto-PGD in L∞', () => {
    check(5, (from, before, gradient, clean, weights) => {
      const bounds = [-3, 3.5] as const
      for (const scale of [undefined, weights!.map(Math.abs)]) {
        const [point, previous] = [from!.slice(), before!.slice()]
        const box = { clean: clean!, radius: 1.25, bounds, scale }
        const sizes = { stepSize: 0.25, share: 0.75 }
        kernels.moveLinf({ point, previous, gradient: gradient!, ...box, ...sizes })
        expect(previous).toEqual(from)
        point.forEach((value, i) => {
          const [x, factor] = [from![i]!, scale?.[i] ?? 1]
          const bound = boxed(clean![i]!, 1.25 * factor, bounds)
          const z = bound(x + 0.25 * factor * Math.sign(gradient![i]!))
          expect(value).toBeCloseTo(bound(x + 0.75 * (z - x) + 0.25 * (x - before![i]!)), 5)
        })
      }
    })
  })

  it.each([0, 8, -8])('are those of Auto-PGD in L2, around %d', (middle) => {
    // Of bounds without a 0, what stands behind a sample is outside.
    const bounds = [middle - 3, middle + 3.5] as const
    check(4, (...arrays) => {
      const [from, before, clean] = arrays.slice(1).map((values) => values.map((x) => x + middle))
      const gradient = arrays[0]!
      const [point, previous] = [from!.slice(), before!.slice()]
      const sizes = { stepSize: 0.5, share: 0.75, radius: 1.25 }
      kernels.moveL2({ point, previous, gradient, clean: clean!, bounds, ...sizes })
      expect(previous).toEqual(from)
      const project = (x: number[]): number[] => {
        const reach = Math.hypot(...x.map((value, i) => value - clean![i]!))
        const share = Math.min(1, 1.25 / reach)
        return x.map((value, i) => clamp(clean![i]! + share * (value - clean![i]!), ...bounds))
      }
      const length = Math.hypot(...gradient)
      const ahead = (i: number): number => (length > 0 ? (0.5 * gradient[i]!) / length : 0)
      const x = Array.from(from!)
      const z = project(x.map((value, i) => value + ahead(i)))
      const wanted = project(
        x.map((value, i) => value + 0.75 * (z[i]! - value) + 0.25 * (value - before![i]!)),
      )
      point.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 4))
    })
  })

  it.each([0, 10])(
    'of FAB blend the steps from the point and from the clean sample, around %d',
    (middle) => {
      check(
        3,
        (w, ...arrays) => {
          const [from, to] = arrays.map((values) => values.map((x) => x + middle))
          const bounds = [middle - 4, middle + 4] as const
          for (const norm of ['linf', 'l2'] as const)
            for (const gap of [-1.5, 0.75]) {
              const point = from!.slice()
              const border = { clean: to!, w: w!, gap, isLinf: norm === 'linf', bounds }
              kernels.stepToBorder(point, border, { alphaMax: 0.1, overshoot: 1.05 })
              const here = leastStep(norm, from!, w!, -gap, bounds)
              const back = sum(w!, (i) => w![i]! * (from![i]! - to![i]!))
              const there = leastStep(norm, to!, w!, back - gap, bounds)
              const both = here.length + there.length
              const alpha = both > 0 ? Math.min(here.length / both, 0.1) : 0
              point.forEach((value, i) => {
                const ahead = from![i]! + 1.05 * here.out[i]!
                const beside = to![i]! + 1.05 * there.out[i]!
                expect(value).toBeCloseTo((1 - alpha) * ahead + alpha * beside, 3)
              })
            }
        },
        slope,
      )
    },
  )
})

describe('steps of descent', () => {
  it.each(['sphere', 'l2', 'linf'] as const)('along the gradient, then onto %s', (onto) => {
    const bounds = [-4, 4] as const
    check(
      3,
      (from, clean, gradient) => {
        const point = from!.slice()
        kernels.stepAlong(point, clean!, gradient!, { size: 0.5, onto, radius: 1.25, bounds })
        const length = Math.max(Math.hypot(...gradient!), 1e-30)
        const delta = Array.from(from!, (x, i) => x - clean![i]! + (0.5 * gradient![i]!) / length)
        const reach = Math.hypot(...delta)
        const factor = onto === 'sphere' || reach > 1.25 ? 1.25 / Math.max(reach, 1e-30) : 1
        point.forEach((value, i) => {
          const d = onto === 'linf' ? clamp(delta[i]!, -1.25, 1.25) : factor * delta[i]!
          expect(value).toBeCloseTo(clean![i]! + d, 3)
        })
      },
      slope,
    )
  })

  it('of NI-FGSM look ahead', () => {
    check(6, (from, start, before, gradient, clean, weights) => {
      const bounds = [-3, 3.5] as const
      const sizeL1 = sum(gradient!, (i) => Math.abs(gradient![i]!))
      for (const scale of [undefined, weights!.map(Math.abs)]) {
        const [point, at, momentum] = [from!.slice(), start!.slice(), before!.slice()]
        const box = { clean: clean!, radius: 1.25, bounds, scale }
        kernels.stepAhead(
          point,
          gradient!,
          { at, momentum },
          { stepSize: 0.25, decay: 0.5, ...box },
        )
        point.forEach((value, i) => {
          const now = sizeL1 > 0 ? (gradient!.length * gradient![i]!) / sizeL1 : 0
          const g = 0.5 * before![i]! + now
          expect(momentum[i]).toBeCloseTo(g, 4)
          // Sums of nearly nothing have either sign.
          if (Math.abs(g) < 1e-4) return
          const factor = scale?.[i] ?? 1
          const bound = boxed(clean![i]!, 1.25 * factor, bounds)
          const x = bound(start![i]! + 0.25 * factor * Math.sign(g))
          expect(at[i]).toBeCloseTo(x, 4)
          expect(value).toBeCloseTo(bound(x + 0.125 * factor * g), 4)
        })
      }
    })
  })

  it('of Adam are those of its paper', () => {
    check(
      2,
      (start, gradient) => {
        const n = start!.length
        const values = start!.slice()
        const moments = { mean: new Float32Array(n), variance: new Float32Array(n) }
        const [x, m, v] = [Array.from(start!), new Float64Array(n), new Float64Array(n)]
        for (let step = 1; step <= 3; step++) {
          const correction = 1 / Math.sqrt(1 - 0.999 ** step)
          kernels.adam(values, gradient!, moments, { size: 0.1 / (1 - 0.9 ** step), correction })
          for (let i = 0; i < n; i++) {
            m[i] = 0.9 * m[i]! + 0.1 * gradient![i]!
            v[i] = 0.999 * v[i]! + 0.001 * gradient![i]! ** 2
            const mean = m[i]! / (1 - 0.9 ** step)
            x[i]! -= (0.1 * mean) / (Math.sqrt(v[i]! / (1 - 0.999 ** step)) + 1e-8)
          }
        }
        values.forEach((value, i) => expect(value).toBeCloseTo(x[i]!, 4))
      },
      slope,
    )
  })

  it('know tanh to a few parts of ten million, from anywhere', () => {
    const w = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 100)
    const point = new Float32Array(w.length)
    kernels.fromTanh(w, point, [-1, 1])
    point.forEach((value, i) => expect(Math.abs(value - Math.tanh(w[i]!))).toBeLessThan(3e-7))
    const far = new Float32Array(4)
    kernels.fromTanh(Float32Array.of(-1e30, 1e30, -100, 100), far, [2, 5])
    expect([...far]).toEqual([2, 5, 2, 5])
  })

  it('by w are those of its formula', () => {
    check(3, (clean, point, gradient) => {
      const slopes = new Float32Array(point!.length)
      const samples = { clean: clean!, point: point!, gradient: gradient! }
      const square = kernels.tanhSlope(samples, slopes, [-4, 4], 2)
      const d = (i: number): number => (point![i]! - clean![i]!) / 8
      expect(square).toBeCloseTo(
        sum(point!, (i) => d(i) ** 2),
        4,
      )
      slopes.forEach((value, i) => {
        const u = (point![i]! + 4) / 8
        expect(value).toBeCloseTo((2 * d(i) - 2 * gradient![i]!) * 2 * u * (1 - u), 5)
      })
    })
  })

  it('of FISTA shrink and go on', () => {
    check(4, (from, before, clean, gradient) => {
      const [y, x] = [from!.slice(), before!.slice()]
      const numbers = { step: 0.1, pull: 2, theta: 0.05, momentum: 0.5 }
      kernels.shrinkStep(y, x, { clean: clean!, gradient: gradient! }, numbers, [-3, 3])
      y.forEach((value, i) => {
        const d = from![i]! - clean![i]!
        const moved = d - 0.1 * (2 * d - 2 * gradient![i]!)
        const shrunk = Math.sign(moved) * Math.max(Math.abs(moved) - 0.05, 0)
        const next = clamp(clean![i]! + shrunk, -3, 3)
        expect(x[i]).toBeCloseTo(next, 5)
        expect(value).toBeCloseTo(next + 0.5 * (next - before![i]!), 5)
      })
    })
  })

  it('are measured by an elastic net', () => {
    check(2, (point, clean) => {
      const d = (i: number): number => (point![i]! - clean![i]!) / 2
      expect(kernels.elasticNet(point!, clean!, { width: 2, beta: 0.25 })).toBeCloseTo(
        sum(point!, (i) => d(i) ** 2 + 0.25 * Math.abs(d(i))),
        8,
      )
    })
  })
})

describe('products and sums', () => {
  it('are those of the same loops in float64', () => {
    check(3, (a, b, before) => {
      const out = new Float32Array(a!.length)
      kernels.along(a!, b!, -0.75, out, [-2, 3])
      out.forEach((value, i) => expect(value).toBeCloseTo(clamp(a![i]! - 0.75 * b![i]!, -2, 3), 5))
      const total = before!.slice()
      kernels.addDifference(total, a!, b!, 0.5)
      total.forEach((value, i) =>
        expect(value).toBeCloseTo(before![i]! + 0.5 * (a![i]! - b![i]!), 5),
      )
    })
  })
})

/** max |F(v) − share of values up to v| · √n; 2.23 is exceeded by one sample in ten thousand. */
function kolmogorov(values: Float32Array, cdf: (value: number) => number): number {
  const n = values.length
  let most = 0
  values.toSorted().forEach((value, i) => {
    most = Math.max(most, Math.abs(cdf(value) - i / n), Math.abs(cdf(value) - (i + 1) / n))
  })
  return most * Math.sqrt(n)
}

describe('random directions', () => {
  const far = [-Infinity, Infinity] as const

  it.each([
    ['normal', normalCdf, 1],
    ['uniform', (value: number) => clamp((value + 1) / 2, 0, 1), 3],
  ] as const)(
    'of %s draws have their distribution, and the length that was asked for',
    (draws, cdf, third) => {
      const n = 100_003
      const example = new Float32Array(n)
      const probe = new Float32Array(n)
      kernels.probeNear(createRng('near'), example, probe, { reach: 2.5, draws, bounds: far })
      expect(kernels.distanceL2(probe, example)).toBeCloseTo(2.5, 5)
      // Of so many values the length before it was cut is known to a third of a percent.
      const unit = Math.sqrt(n / third) / 2.5
      expect(
        kolmogorov(
          probe.map((value) => unit * value),
          cdf,
        ),
      ).toBeLessThan(2.23)
    },
  )

  it('begin at an example, of any length, stay within the bounds, and follow the stream', () => {
    for (const length of [1, 3, 4, 5, 8, 13, 64]) {
      const example = Float32Array.from({ length }, (_, i) => (i % 2 ? 0.9 : 0.2))
      const [a, b, c] = [0, 1, 2].map(() => new Float32Array(length))
      const near = { reach: 0.3, draws: 'normal', bounds: [0, 1] } as const
      const [rng, again] = [createRng('probe', length), createRng('probe', length)]
      kernels.probeNear(rng, example, a!, near)
      kernels.probeNear(again, example, b!, near)
      kernels.probeNear(rng, example, c!, near)
      expect(b).toEqual(a)
      expect(c).not.toEqual(a)
      expect(kernels.isBetween(a!, [0, 1])).toBe(true)
      expect(kernels.distanceL2(a!, example)).toBeGreaterThan(0)
      expect(kernels.distanceL2(a!, example)).toBeLessThan(0.3001)
    }
  })

  it('to the side are at right angles to the way, and as long as asked', () => {
    check(2, (example, clean) => {
      const d = example!.map((value, i) => value - clean![i]!)
      const out = new Float32Array(d.length)
      const length = kernels.turnAside(createRng('aside'), example!, clean!, out, 0.5)
      expect(length).toBeCloseTo(Math.hypot(...d), 5)
      // One value has no side to turn to.
      if (d.length === 1 || length < 0.1) return
      const side = out.map((value, i) => value - d[i]!)
      expect(Math.hypot(...side) / length).toBeCloseTo(0.5, 2)
      expect(Math.abs(sum(side, (i) => side[i]! * d[i]!)) / length ** 2).toBeLessThan(1e-3)
    })
  })
})

describe('normal draws', () => {
  const n = 400_001
  const draws = new Float32Array(n)
  beforeAll(() => kernels.fillNormal(createRng('normal'), draws))

  it('have the moments of a normal distribution', () => {
    const mean = (power: number): number => sum(draws, (i) => draws[i]! ** power) / n
    const error = 5 / Math.sqrt(n)
    expect(Math.abs(mean(1))).toBeLessThan(error)
    expect(Math.abs(mean(2) - 1)).toBeLessThan(error * Math.sqrt(2))
    expect(Math.abs(mean(3))).toBeLessThan(error * Math.sqrt(15))
    expect(Math.abs(mean(4) - 3)).toBeLessThan(error * Math.sqrt(96))
  })

  it('have its distribution, by Kolmogorov and Smirnov', () => {
    expect(kolmogorov(draws, normalCdf)).toBeLessThan(2.23)
  })

  it('do not follow one another: of neighbours at any distance up to 16, and their squares', () => {
    for (let lag = 1; lag <= 16; lag++) {
      let [plain, squares] = [0, 0]
      for (let i = lag; i < n; i++) {
        plain += draws[i]! * draws[i - lag]!
        squares += (draws[i]! ** 2 - 1) * (draws[i - lag]! ** 2 - 1)
      }
      expect(Math.abs(plain) / Math.sqrt(n)).toBeLessThan(5)
      expect(Math.abs(squares) / (2 * Math.sqrt(n))).toBeLessThan(5)
    }
  })

  it('are the same for the same stream, others for its next, for samples of any length', () => {
    for (const length of [1, 3, 4, 7, 9]) {
      const [rng, again] = [createRng('draws', length), createRng('draws', length)]
      const [a, b] = [new Float32Array(length), new Float32Array(length)]
      kernels.fillNormal(rng, a)
      kernels.fillNormal(again, b)
      expect(b).toEqual(a)
      kernels.fillNormal(rng, b)
      expect(b).not.toEqual(a)
    }
  })
})
