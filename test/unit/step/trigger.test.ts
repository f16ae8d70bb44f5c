import { describe, expect, it } from 'vitest'
import type { Graph } from '../../../src/graph/ir.js'
import { tensorOfFloats } from '../../../src/graph/tensor.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { compileTrigger, triggerDecay, type TriggerForm } from '../../../src/step/trigger.js'
import { createRng } from '../../../src/util/rng.js'
import { nodeOf } from '../../helpers/graphs.js'

const [searches, batch, channels, side, classes] = [2, 3, 2, 4, 3]
const pixels = side * side
const values = channels * pixels
const rng = createRng('trigger-test')
const draw = (count: number, low = -1, high = 1): Float32Array =>
  Float32Array.from({ length: count }, () => low + (high - low) * rng.uniform())

/** A convolution, a smooth activation and a dense layer. */
const network: Graph = {
  name: 'net',
  opsets: { '': 18 },
  irVersion: 8,
  inputs: [{ name: 'x', dtype: 'float32', dims: ['N', channels, side, side] }],
  outputs: [{ name: 'y', dtype: 'float32', dims: ['N', classes] }],
  initializers: {
    k: tensorOfFloats([2, channels, 3, 3], draw(2 * channels * 9)),
    w: tensorOfFloats([2 * pixels, classes], draw(2 * pixels * classes)),
  },
  nodes: [
    nodeOf('Conv', ['x', 'k'], ['c'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    nodeOf('Tanh', ['c'], ['t']),
    nodeOf('Flatten', ['t'], ['f']),
    nodeOf('MatMul', ['f', 'w'], ['y']),
  ],
}

async function open(form: TriggerForm): Promise<Session> {
  const model = await prepareModel(network, { sampleShape: [channels, side, side] })
  const { graph } = compileTrigger(model, { form, bounds: [0, 1] })
  const session = await Session.open(encodeModel(graph))
  model.weights.close()
  return session
}

const feed = (data: Float32Array, ...dims: number[]): Feed => ({ dtype: 'float32', dims, data })
const numbersOf = (out: Record<string, Feed>, name: string): number[] =>
  Array.from(out[name]!.data as Float32Array)
const common = {
  samples: feed(draw(searches * batch * values, 0.3, 0.7), searches, batch, channels, side, side),
  targets: { dtype: 'int64', dims: [searches], data: BigInt64Array.of(0n, 2n) } as Feed,
}

const none = (like: Float32Array): Float32Array => new Float32Array(like.length)

const additiveFeeds = (delta: Float32Array, radius: readonly number[], size: number) => ({
  ...common,
  delta: feed(delta, searches, channels, side, side),
  radius: feed(Float32Array.from(radius), searches),
  step_size: feed(Float32Array.of(size)),
})

const norms = (data: readonly number[]): number[] =>
  Array.from({ length: searches }, (_, s) =>
    Math.hypot(...data.slice(s * values, (s + 1) * values)),
  )

describe('a patch', () => {
  const [mask, pattern] = [draw(searches * pixels), draw(searches * values)]
  const penalty = Float32Array.of(0.05, 0.2)
  const feeds = (m: Float32Array, p: Float32Array, size = 0.1): Record<string, Feed> => {
    const maskDims = [searches, 1, side, side]
    const patternDims = [searches, channels, side, side]
    return {
      ...common,
      mask: feed(m, ...maskDims),
      'mask/first': feed(none(m), ...maskDims),
      'mask/second': feed(none(m), ...maskDims),
      pattern: feed(p, ...patternDims),
      'pattern/first': feed(none(p), ...patternDims),
      'pattern/second': feed(none(p), ...patternDims),
      penalty: feed(penalty, searches),
      step_size: feed(Float32Array.of(size)),
      first_bias: feed(Float32Array.of(1 - triggerDecay[0])),
      second_bias: feed(Float32Array.of(1 - triggerDecay[1])),
    }
  }

  it('has the gradient of loss and penalty, search by search', async () => {
    const session = await open('patch')
    const out = await session.run(feeds(mask, pattern))
    const objective = async (m: Float32Array, p: Float32Array): Promise<number[]> => {
      const found = await session.run(feeds(m, p))
      const [loss, size] = [numbersOf(found, 'loss'), numbersOf(found, 'size')]
      return loss.map((value, i) => value + penalty[i]! * size[i]!)
    }
    for (const name of ['mask', 'pattern'] as const) {
      const from = name === 'mask' ? mask : pattern
      const along = draw(from.length)
      const step = 1e-2
      const moved = (sign: number): Float32Array => from.map((v, i) => v + sign * step * along[i]!)
      const at = (sign: number): Promise<number[]> =>
        name === 'mask' ? objective(moved(sign), pattern) : objective(mask, moved(sign))
      const [up, down] = [await at(1), await at(-1)]
      const first = numbersOf(out, `next/${name}/first`)
      const each = from.length / searches
      for (let s = 0; s < searches; s++) {
        let directional = 0
        for (let i = s * each; i < (s + 1) * each; i++)
          directional += (first[i]! / (1 - triggerDecay[0])) * along[i]!
        const numeric = (up[s]! - down[s]!) / (2 * step)
        expect(Math.abs(directional - numeric)).toBeLessThan(2e-3 * Math.max(1, Math.abs(numeric)))
      }
    }
    await session.close()
  })

  it("takes Adam's first step: its size, against the sign of the gradient", async () => {
    const session = await open('patch')
    const out = await session.run(feeds(mask, pattern, 0.1))
    const first = numbersOf(out, 'next/mask/first')
    numbersOf(out, 'next/mask').forEach((next, i) =>
      expect(next).toBeCloseTo(mask[i]! - 0.1 * Math.sign(first[i]!), 3),
    )
    await session.close()
  })

  it('covers all where the mask is 1: every sample is the pattern', async () => {
    const session = await open('patch')
    const out = await session.run(feeds(new Float32Array(mask.length).fill(20), pattern))
    expect(numbersOf(out, 'size')).toEqual([pixels, pixels])
    for (const share of numbersOf(out, 'success')) expect([0, 1]).toContain(share)
    await session.close()
  })
})

describe('an additive trigger', () => {
  it('goes down the loss, each search by a share of its own radius', async () => {
    const session = await open('additive')
    const start = new Float32Array(searches * values)
    const out = await session.run(additiveFeeds(start, [0.1, 0.3], 0.5))
    const next = Float32Array.from(numbersOf(out, 'next/delta'))
    expect(norms([...next])[0]).toBeCloseTo(0.05, 5)
    expect(norms([...next])[1]).toBeCloseTo(0.15, 5)
    const after = await session.run(additiveFeeds(next, [0.1, 0.3], 0.5))
    const [before, then] = [numbersOf(out, 'loss'), numbersOf(after, 'loss')]
    then.forEach((loss, i) => expect(loss).toBeLessThan(before[i]!))
    await session.close()
  })

  it('stays within its radius', async () => {
    const session = await open('additive')
    const out = await session.run(additiveFeeds(draw(searches * values), [0.1, 0.3], 0.5))
    const found = norms(numbersOf(out, 'next/delta'))
    expect(found[0]).toBeLessThanOrEqual(0.1 + 1e-6)
    expect(found[1]).toBeLessThanOrEqual(0.3 + 1e-6)
    await session.close()
  })

  it('does not move what is clipped', async () => {
    const session = await open('additive')
    const start = new Float32Array(searches * values)
    start[0] = 5
    const out = await session.run(additiveFeeds(start, [10, 10], 0.01))
    // The radius holds it, so that it stays where it is, to the bit.
    expect(numbersOf(out, 'next/delta')[0]).toBe(5)
    await session.close()
  })
})

it('refuses a network of fixed batch', async () => {
  const model = await prepareModel(network, { sampleShape: [channels, side, side] })
  expect(() => compileTrigger({ ...model, batch: 1 }, { form: 'patch', bounds: [0, 1] })).toThrow(
    /fixed batch/,
  )
  model.weights.close()
})
