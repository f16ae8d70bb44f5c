import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../../src/graph/builder.js'
import { verify } from '../../../src/graph/verify.js'
import { steepest, updateBuilder } from '../../../src/step/update-rule.js'
import { updates } from '../../../src/step/update.js'
import type { FusedNorm } from '../../../src/threat/threat-model.js'
import { box, distance } from '../../../src/threat/ball.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { createRng } from '../../../src/util/rng.js'
import { graphOf } from '../../helpers/graphs.js'
import { floatsFeed } from '../../helpers/networks.js'

const sampleShape = [3, 5, 7]
const size = 105
const bounds = [-0.5, 1.5] as const

interface Call {
  readonly x: Float32Array
  readonly xAdv: Float32Array
  readonly gradient: Float32Array
  readonly epsilon: number
  readonly stepSize: number
}

/** The update of a norm as a graph of its own, with the gradient as an input. */
async function openUpdate(
  norm: FusedNorm,
  scale = 1,
): Promise<(call: Call) => Promise<Float32Array>> {
  const dims = ['N', ...sampleShape]
  const float32 = 'float32' as const
  const base = graphOf({ inputs: { x_adv: dims, gradient: dims }, nodes: [] })
  const g = new GraphBuilder(base)
  const inputs = { g, xAdv: 'x_adv', sampleShape, bounds, batch: 'N' }
  const { next } = steepest.build(
    updateBuilder(updates[norm], inputs, { gradient: 'gradient', scale, state: {} }),
  )
  const outputs = [{ name: next, dtype: float32, dims: null }]
  const graph = verify(g.finish([...base.inputs, ...updates[norm].inputs(inputs)], outputs))
  const session = await Session.open(encodeModel(graph))
  return async ({ x, xAdv, gradient, epsilon, stepSize }) => {
    const shape = [x.length / size, ...sampleShape]
    const feeds: Record<string, Feed> = {
      x_adv: floatsFeed(shape, xAdv),
      gradient: floatsFeed(shape, gradient),
      step_size: floatsFeed([], Float32Array.of(stepSize)),
    }
    if (norm === 'linf') {
      const [lower, upper] = [new Float32Array(x.length), new Float32Array(x.length)]
      box(x, { norm, epsilon, bounds, goal: { kind: 'untargeted' } }, lower, upper)
      Object.assign(feeds, { lower: floatsFeed(shape, lower), upper: floatsFeed(shape, upper) })
    } else
      Object.assign(feeds, {
        x: floatsFeed(shape, x),
        epsilon: floatsFeed([], Float32Array.of(epsilon)),
      })
    return (await session.run(feeds))[next]!.data as Float32Array
  }
}

const clamp = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high)

/** Of one sample, in float64. */
const reference: Readonly<Record<FusedNorm, (call: Call) => number[]>> = {
  linf: ({ x, xAdv, gradient, epsilon, stepSize }) =>
    Array.from(xAdv, (value, i) =>
      clamp(
        clamp(value + stepSize * Math.sign(gradient[i]!), x[i]! - epsilon, x[i]! + epsilon),
        ...bounds,
      ),
    ),
  l2: ({ x, xAdv, gradient, epsilon, stepSize }) => {
    const length = Math.hypot(...gradient)
    const delta = Array.from(
      xAdv,
      (value, i) => value + (length > 0 ? (stepSize * gradient[i]!) / length : 0) - x[i]!,
    )
    const scale = Math.min(1, epsilon / (Math.hypot(...delta) || 1))
    return delta.map((d, i) => clamp(x[i]! + scale * d, ...bounds))
  },
  l1: ({ x, xAdv, gradient, epsilon, stepSize }) => {
    // Coordinates at the border that would leave it are spent.
    const sizes = Array.from(gradient, (value, i) => {
      const probe = xAdv[i]! + Math.sign(value) * 1e-6 * (bounds[1] - bounds[0])
      return probe < bounds[0] || probe > bounds[1] ? 0 : Math.abs(value)
    })
    const most = sizes.toSorted((a, b) => b - a)[Math.ceil(size / 100) - 1]!
    const chosen = sizes.map((value) => value > 0 && value >= most)
    const count = Math.max(1, chosen.filter(Boolean).length)
    const delta = Array.from(xAdv, (value, i) => {
      const move = chosen[i] ? (stepSize * Math.sign(gradient[i]!)) / count : 0
      return value + move - x[i]!
    })
    return duchi(delta, epsilon).map((d, i) => clamp(x[i]! + d, ...bounds))
  },
}

/** Duchi et al. 2008, fig. 1. */
function duchi(delta: readonly number[], epsilon: number): number[] {
  const sizes = delta.map(Math.abs)
  if (sizes.reduce((a, b) => a + b, 0) <= epsilon) return [...delta]
  let [sum, theta] = [0, 0]
  sizes
    .toSorted((a, b) => b - a)
    .forEach((value, j) => {
      sum += value
      const candidate = (sum - epsilon) / (j + 1)
      if (value > candidate) theta = candidate
    })
  return delta.map((d) => Math.sign(d) * Math.max(Math.abs(d) - theta, 0))
}

/** n samples, some values of which sit on a border. */
function callOf(n: number, seed: number, epsilon: number, stepSize: number, scale = 1): Call {
  const rng = createRng('update', seed)
  const [low, high] = bounds
  const x = Float32Array.from({ length: n * size }, () => {
    const where = rng.uniform()
    return where < 0.1 ? low : where > 0.9 ? high : low + (high - low) * rng.uniform()
  })
  const reach = Math.min(epsilon, 2)
  const xAdv = x.map((value) => clamp(value + (reach / 20) * rng.normal(), low, high))
  const gradient = x.map(() => (rng.uniform() < 0.1 ? 0 : scale * rng.normal()))
  return { x, xAdv, gradient, epsilon, stepSize }
}

const sampleOf = (call: Call, i: number): Call => {
  const row = (array: Float32Array): Float32Array => array.subarray(i * size, (i + 1) * size)
  return { ...call, x: row(call.x), xAdv: row(call.xAdv), gradient: row(call.gradient) }
}

/** Nine copies of one sample. */
const repeat = (array: Float32Array): Float32Array =>
  Float32Array.from({ length: 9 * size }, (_, i) => array[i % size]!)

describe.each(['linf', 'l2', 'l1'] as const)('the step in %s', (norm) => {
  /** Of a middling size: a good part of the points ends on the border of the ball. */
  const middle = { linf: 0.1, l2: 0.6, l1: 4 }[norm]

  async function check(call: Call): Promise<void> {
    // A step is added to a value before it is projected away again: its rounding stays.
    const tolerance = 2e-6 + 1e-7 * call.stepSize
    const next = await (await openUpdate(norm))(call)
    for (let i = 0; i < call.x.length / size; i++) {
      const one = sampleOf(call, i)
      const got = next.subarray(i * size, (i + 1) * size)
      const wanted = reference[norm](one)
      got.forEach((value, k) => {
        expect(Math.abs(value - wanted[k]!), `sample ${i}, value ${k}`).toBeLessThan(tolerance)
        expect(value).toBeGreaterThanOrEqual(bounds[0])
        expect(value).toBeLessThanOrEqual(bounds[1])
      })
      const slack = 1e-6 + 1e-6 * call.epsilon
      expect(distance(norm, got, one.x)).toBeLessThanOrEqual(call.epsilon + slack)
    }
  }

  it.each([0.05, 0.5, 1, 2, 100])('of %f epsilon is the one on paper', async (relStepSize) => {
    for (let seed = 0; seed < 5; seed++) await check(callOf(10, seed, middle, relStepSize * middle))
  })

  it.each([1e-30, 1e-7, 1e-4, 3, 1e4])('holds at epsilon %f', async (epsilon) => {
    await check(callOf(10, 7, epsilon, epsilon))
  })

  it('stays where it is if there is no gradient', async () => {
    const call = callOf(4, 1, middle, middle)
    call.gradient.fill(0)
    const next = await (await openUpdate(norm))({ ...call, xAdv: call.x })
    expect(next).toEqual(call.x)
  })

  it('does not depend on how long the gradient is', async () => {
    const update = await openUpdate(norm)
    const call = callOf(6, 3, middle, middle / 2)
    const wanted = await update(call)
    // From gradients that a network of many layers lets through to those it blows up.
    for (const scale of [1e-30, 1e-25, 1e-15, 1e-6, 1e6, 1e15, 1e25]) {
      const gradient = call.gradient.map((value) => scale * value)
      const next = await update({ ...call, gradient })
      const worst = next.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0)
      expect(worst, `scale ${scale}`).toBeLessThan(1e-5)
    }
  })

  it('moves upwards', async () => {
    const call = callOf(20, 11, middle, middle / 4)
    const next = await (await openUpdate(norm))({ ...call, xAdv: call.x })
    for (let i = 0; i < 20; i++) {
      const { x, gradient } = sampleOf(call, i)
      const rise = gradient.reduce(
        (sum, value, k) => sum + value * (next[i * size + k]! - x[k]!),
        0,
      )
      expect(rise).toBeGreaterThan(0)
    }
  })

  it('takes a gradient that is scaled as it asks', async () => {
    const { gradientScale } = updates[norm]
    const call = callOf(8, 13, middle, middle / 2)
    const scaled = { ...call, gradient: call.gradient.map((value) => gradientScale * value) }
    const wanted = await (await openUpdate(norm))(call)
    expect(await (await openUpdate(norm, gradientScale))(scaled)).toEqual(wanted)
  })

  it('gives a sample the same bits in any row', async () => {
    const one = callOf(1, 5, middle, middle)
    const next = await (
      await openUpdate(norm)
    )({ ...one, x: repeat(one.x), xAdv: repeat(one.xAdv), gradient: repeat(one.gradient) })
    const rows = Array.from({ length: 9 }, (_, i) => next.slice(i * size, (i + 1) * size).join())
    expect(new Set(rows).size).toBe(1)
  })
})
