import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tensorOfFloats } from '../../../src/graph/tensor.js'
import { prepareNetwork, type PreparedNetwork } from '../../../src/model/prepare.js'
import { openForward, openStep } from '../../../src/model/sessions.js'
import type { Feed, Session } from '../../../src/runtime/session.js'
import { compileDescent } from '../../../src/step/descent.js'
import { createRng } from '../../../src/util/rng.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'

const [rows, inputs, outputs, atoms] = [3, 4, 3, 2]
const rng = createRng('descent-test')
const draw = (n: number): Float32Array => Float32Array.from({ length: n }, () => rng.normal())

/** tanh(x W) V: smooth, so that differences agree with gradients. */
const graph = graphOf({
  inputs: { x: [1, 2, 2] },
  nodes: [
    nodeOf('Flatten', ['x'], ['flat']),
    nodeOf('MatMul', ['flat', 'w'], ['h']),
    nodeOf('Tanh', ['h'], ['t']),
    nodeOf('MatMul', ['t', 'v'], ['y']),
  ],
  initializers: {
    w: tensorOfFloats([inputs, 6], draw(inputs * 6)),
    v: tensorOfFloats([6, outputs], draw(6 * outputs)),
  },
})

const feed = (dims: readonly number[], data = draw(dims.reduce((a, b) => a * b, 1))) =>
  ({ dtype: 'float32', dims, data }) satisfies Feed
const column = (value: number): Feed => feed([rows, 1], new Float32Array(rows).fill(value))
const sample = [rows, 2, 2]

let network: PreparedNetwork
let forward: Session
beforeAll(async () => {
  network = await prepareNetwork(graph)
  forward = await openForward(network)
})
afterAll(async () => {
  await forward.close()
  network.weights.close()
})

describe.each([false, true])('reads inputs: %s', (readsInputs) => {
  let session: Session
  beforeAll(async () => {
    const compiled = compileDescent(network, { outputs, readsInputs })
    session = await openStep(network, compiled.graph)
  })
  afterAll(() => session.close())

  const x = feed(sample)
  const c = feed([rows, atoms, outputs])
  const d = feed([rows, atoms, inputs])
  const b = feed([rows, atoms, 1])
  const wide = { lower: feed(sample, filled(-50)), upper: feed(sample, filled(50)) }

  /** The margin of each row: its greatest atom. */
  async function margins(at: Float32Array): Promise<number[]> {
    const y = (await forward.run({ [network.input]: feed(sample, at) }))[network.forwardOutput]!
    return Array.from({ length: rows }, (_, row) =>
      Math.max(
        ...Array.from({ length: atoms }, (_one, a) => {
          const k = row * atoms + a
          const sum = (w: Feed, of: ArrayLike<number>, n: number): number =>
            Array.from(
              { length: n },
              (_i, i) => Number(w.data[k * n + i]) * Number(of[row * n + i]),
            ).reduce((p, q) => p + q)
          const own = readsInputs ? sum(d, at, inputs) : 0
          return sum(c, y.data as Float32Array, outputs) + own - Number(b.data[k])
        }),
      ),
    )
  }

  async function step(change: Record<string, Feed> = {}): Promise<Record<string, Feed>> {
    return await session.run({
      [network.input]: x,
      ...wide,
      velocity: feed(sample, filled(0)),
      step_size: column(1e-4),
      momentum: column(0),
      is_sign: column(0),
      sharpness: column(1e6),
      y_weights: c,
      bounds: b,
      ...(readsInputs ? { x_weights: d } : {}),
      ...change,
    })
  }

  it('the velocity is the gradient of the greatest atom, over its mean size', async () => {
    const { velocity_next: velocity } = await step()
    const h = 1e-3
    for (let i = 0; i < inputs; i++) {
      const moved = (sign: number): Float32Array =>
        x.data.map((value, k) => (k % inputs === i ? value + sign * h : value))
      const [up, down] = [await margins(moved(1)), await margins(moved(-1))]
      numeric.forEach((of, row) => (of[i] = (up[row]! - down[row]!) / (2 * h)))
    }
    numeric.forEach((gradient, row) => {
      const mean = gradient.reduce((sum, one) => sum + Math.abs(one), 0) / inputs
      gradient.forEach((one, i) =>
        expect(velocity!.data[row * inputs + i]).toBeCloseTo(one / mean, 1),
      )
    })
  })

  it('a step goes down, along signs too, and momentum keeps its way', async () => {
    const before = await margins(x.data)
    for (const change of [{}, { is_sign: column(1) }]) {
      const after = await margins((await step(change))['x_next']!.data as Float32Array)
      after.forEach((margin, row) => expect(margin).toBeLessThan(before[row]!))
    }
    const first = (await step())['velocity_next']!
    const second = (await step({ velocity: first, momentum: column(0.5) }))['velocity_next']!
    second.data.forEach((value, i) =>
      expect(Number(value)).toBeCloseTo(1.5 * Number(first.data[i]), 4),
    )
  })

  it('steps are in widths of the box, and stay in it', async () => {
    const lower = feed(
      sample,
      x.data.map((value, i) => (i % 2 === 0 ? value : value - 0.5)),
    )
    const upper = feed(
      sample,
      x.data.map((value, i) => (i % 2 === 0 ? value : value + 1.5)),
    )
    const next = (await step({ lower, upper, is_sign: column(1), step_size: column(0.1) }))[
      'x_next'
    ]!
    next.data.forEach((value, i) =>
      expect(Math.abs(Number(value) - x.data[i]!)).toBeCloseTo(i % 2 === 0 ? 0 : 0.2, 5),
    )
    const far = (await step({ lower, upper, is_sign: column(1), step_size: column(9) }))['x_next']!
    far.data.forEach((value, i) => {
      expect(Number(value)).toBeGreaterThanOrEqual(lower.data[i]!)
      expect(Number(value)).toBeLessThanOrEqual(upper.data[i]!)
    })
  })

  it('a blunt maximum minds all atoms', async () => {
    const sharp = (await step())['velocity_next']!
    const blunt = (await step({ sharpness: column(0) }))['velocity_next']!
    expect(Number(blunt.data[0])).not.toBeCloseTo(Number(sharp.data[0]), 3)
  })
})

const numeric = Array.from({ length: rows }, () => Array.from({ length: inputs }, () => 0))

function filled(value: number): Float32Array {
  return new Float32Array(rows * inputs).fill(value)
}
