import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawGlyphs } from '../../../src/data/glyphs.js'
import { GraphBuilder } from '../../../src/graph/builder.js'
import type { Graph } from '../../../src/graph/ir.js'
import { setParameters } from '../../../src/graph/passes/parameters.js'
import { floats, tensorOfFloats } from '../../../src/graph/tensor.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Trainer } from '../../../src/poison/trainer.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { compileStep } from '../../../src/step/compile.js'
import type { Sgd } from '../../../src/step/optimizers/sgd.js'
import { freeDifferentiable } from '../../../src/step/train.js'
import { createRng } from '../../../src/util/rng.js'
import { demoNetwork, demoParameters } from '../../../suites/demo/architecture.js'
import { evaluateInDoubles } from '../../helpers/reference-network.js'

const plain: Sgd = { kind: 'sgd', momentum: 0 }
const open = (graph: Graph, optimizer: Sgd, parameters = demoParameters): Promise<Trainer> =>
  Trainer.open(graph, { loss: 'ce', parameters, optimizer })

function glyphs(count: number): { x: Float32Array; labels: Int32Array } {
  const { values, labels } = drawGlyphs({ count, seed: 3 })
  return { x: Float32Array.from(values, (value) => value / 255), labels }
}

function weightsOf(graph: Graph, name: string): Float32Array {
  const tensor = graph.initializers[name]
  if (!tensor) throw new Error(`no initializer ${name}`)
  return floats(tensor)
}

/** Zero biases over black corners stand exactly on ReLU's kink, where no difference quotient is right. */
function withBiases(graph: Graph): Graph {
  const biases = demoParameters.filter((name) => name.endsWith('.bias'))
  return setParameters(
    graph,
    new Map(
      biases.map((name) => {
        const rng = createRng('bias', name)
        const { length } = weightsOf(graph, name)
        const values = Array.from({ length }, () => 0.1 * rng.normal())
        return [name, tensorOfFloats([length], values)]
      }),
    ),
  )
}

/** Mean cross-entropy of logits (N, 10), in doubles. */
function crossEntropy(logits: ArrayLike<number>, labels: Int32Array): number {
  let total = 0
  labels.forEach((label, i) => {
    const row = Array.from({ length: 10 }, (_, k) => logits[i * 10 + k] ?? NaN)
    const most = Math.max(...row)
    const logSum = Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0))
    total += most + logSum - (row[label] ?? NaN)
  })
  return total / labels.length
}

describe('weight gradients of the demo network', () => {
  const network = withBiases(demoNetwork(5))
  const { x, labels } = glyphs(4)
  const image = { dims: [4, 1, 28, 28], data: Float64Array.from(x) }
  let after: Graph

  beforeAll(async () => {
    // Without momentum, a step of length 1 is the gradient.
    const trainer = await open(network, plain)
    await trainer.train(x, labels, 1)
    after = trainer.graph()
    await trainer.close()
  })

  it.each(demoParameters)('%s: central differences along random directions', (name) => {
    const before = Float64Array.from(weightsOf(network, name))
    const gradient = before.map((value, i) => value - (weightsOf(after, name)[i] ?? NaN))
    const h = 1e-7
    for (const direction of [1, 2]) {
      const rng = createRng('direction', name, direction)
      const v = gradient.map(() => (rng.below(2) === 0 ? 1 : -1))
      const at = (s: number): number => {
        const moved = before.map((value, i) => value + s * h * (v[i] ?? NaN))
        return crossEntropy(evaluateInDoubles(network, image, { [name]: moved }).data, labels)
      }
      const numeric = (at(1) - at(-1)) / (2 * h)
      const analytic = gradient.reduce((sum, value, i) => sum + value * (v[i] ?? NaN), 0)
      // Along ±1 a derivative is of the order of the gradient's length. Float32 leaves 1e-5 of it, and about as
      // much again where it takes the other side of a kink.
      expect(Math.abs(numeric - analytic)).toBeLessThan(1e-3 * Math.hypot(...gradient))
      expect(Math.hypot(...gradient)).toBeGreaterThan(1e-3)
    }
  })
})

describe('the update', () => {
  const network = demoNetwork(5)
  const { x, labels } = glyphs(16)

  it('is v = μ·v + g + λ·w, w = w − η·v, over three steps', async () => {
    const [momentum, weightDecay, rates] = [0.9, 0.01, [0.1, 0.05, 0.02]]
    const trainer = await open(network, { kind: 'sgd', momentum, weightDecay })
    const velocity = new Map<string, number[]>()
    for (const rate of rates) {
      const before = trainer.graph()
      // The bare gradient at the same weights, from a step without momentum and decay.
      const probe = await open(before, plain)
      await probe.train(x, labels, 1)
      const moved = probe.graph()
      await probe.close()
      await trainer.train(x, labels, rate)
      const after = trainer.graph()
      for (const name of demoParameters) {
        const [w, m] = [weightsOf(before, name), weightsOf(moved, name)]
        const last = velocity.get(name)
        const v = Array.from(w, (value, i) => {
          const gradient = value - (m[i] ?? NaN)
          return momentum * (last?.[i] ?? 0) + gradient + weightDecay * value
        })
        velocity.set(name, v)
        const next = weightsOf(after, name)
        const worst = v.reduce((most, value, i) => {
          const expected = (w[i] ?? NaN) - rate * value
          return Math.max(most, Math.abs((next[i] ?? NaN) - expected))
        }, 0)
        expect(worst, name).toBeLessThan(1e-6)
        expect(
          Math.max(...next.map((value, i) => Math.abs(value - (w[i] ?? NaN)))),
        ).toBeGreaterThan(1e-5)
      }
    }
    await trainer.close()
  })

  it('gives loss and logits of the weights before it', async () => {
    const trainer = await open(network, plain)
    const session = await Session.open(encodeModel(network))
    const out = await session.run({ image: { dtype: 'float32', dims: [16, 1, 28, 28], data: x } })
    const { loss, logits } = await trainer.train(x, labels, 0.1)
    const expected = out['logits']?.data as Float32Array
    expect(loss).toBeCloseTo(crossEntropy(expected, labels), 5)
    logits.forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 4))
    await session.close()
    await trainer.close()
  })

  it('touches only the parameters that are named', async () => {
    const trainer = await open(network, plain, ['fc2.weight', 'fc2.bias'])
    await trainer.train(x, labels, 0.1)
    const after = trainer.graph()
    await trainer.close()
    const changed = demoParameters.filter((name) =>
      weightsOf(after, name).some((value, i) => value !== weightsOf(network, name)[i]),
    )
    expect(changed).toEqual(['fc2.weight', 'fc2.bias'])
    expect(after.nodes).toEqual(network.nodes)
  })
})

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length

describe('a training', () => {
  let trainer: Trainer
  beforeAll(async () => {
    trainer = await open(demoNetwork(5), { kind: 'sgd', momentum: 0.9 })
  })
  afterAll(() => trainer.close())

  it('brings the loss down over 30 steps on 256 glyphs', async () => {
    const { x, labels } = glyphs(256)
    const losses: number[] = []
    for (let step = 0; step < 30; step++) {
      const from = (step % 4) * 64
      const batch = x.subarray(from * 784, (from + 64) * 784)
      losses.push((await trainer.train(batch, labels.subarray(from, from + 64), 0.1)).loss)
    }
    expect(mean(losses.slice(0, 4))).toBeLessThan(3)
    expect(mean(losses.slice(-4))).toBeLessThan(0.8 * mean(losses.slice(0, 4)))
  })
})

const samples = (data: Float32Array): Feed => ({
  dtype: 'float32',
  dims: [data.length / 784, 1, 28, 28],
  data,
})

describe('an attack step with the weights as inputs', () => {
  const options = { loss: 'ce', targeted: false, norm: 'linf', bounds: [0, 1] } as const

  it('moves as one compiled of the weights of the moment', async () => {
    const { x, labels } = glyphs(8)
    const trainer = await open(demoNetwork(5), plain)
    const free = freeDifferentiable(trainer.model, trainer.parameters)
    const fed = await Session.open(encodeModel(compileStep(free, options).graph))
    const attack: Record<string, Feed> = {
      [trainer.model.input]: samples(x),
      labels: { dtype: 'int64', dims: [8], data: BigInt64Array.from(labels, BigInt) },
      lower: samples(x.map((value) => value - 0.1)),
      upper: samples(x.map((value) => value + 0.1)),
      step_size: { dtype: 'float32', dims: [], data: Float32Array.of(0.05) },
    }
    const first = (await fed.run({ ...attack, ...trainer.weights }))['x_next']?.data
    await trainer.train(x, labels, 0.3)
    const moved = await fed.run({ ...attack, ...trainer.weights })

    const again = await open(trainer.graph(), plain)
    const fixed = await Session.open(encodeModel(compileStep(again.model, options).graph))
    const expected = (await fixed.run(attack))['x_next']?.data
    const differing = (data: ArrayLike<unknown> = []): number => {
      const distances = Array.from(data, (value, i) =>
        Math.abs(Number(value) - Number(expected?.[i])),
      )
      return distances.filter((distance) => !(distance < 1e-6)).length
    }
    // A gradient of nearly zero may round to the other sign.
    expect(differing(moved['x_next']?.data)).toBeLessThan(x.length / 1000)
    expect(differing(first)).toBeGreaterThan(x.length / 20)
    for (const session of [fed, fixed]) await session.close()
    for (const one of [trainer, again]) await one.close()
  })
})

describe('what cannot be trained', () => {
  const network = demoNetwork(5)

  it.each([
    ['no such parameter', ['conv9.weight'], plain, 'GNT_MODEL_UNSUPPORTED'],
    ['no parameter at all', [], plain, 'GNT_USAGE'],
    ['momentum 1', demoParameters, { kind: 'sgd', momentum: 1 }, 'GNT_USAGE'],
    ['negative decay', demoParameters, { kind: 'sgd', momentum: 0, weightDecay: -1 }, 'GNT_USAGE'],
  ] as const)('%s', async (_, parameters, optimizer, code) => {
    await expect(open(network, optimizer, parameters)).rejects.toMatchObject({ code })
  })

  it('a network without a fixed sample shape', async () => {
    const inputs = [{ name: 'image', dtype: 'float32', dims: ['N', 1, 'H', 'W'] }] as const
    await expect(open({ ...network, inputs }, plain)).rejects.toMatchObject({
      code: 'GNT_MODEL_UNSUPPORTED',
    })
  })

  it('an output that is no row of logits', async () => {
    const outputs = [{ name: 'conv4', dtype: 'float32', dims: null }] as const
    const cut = new GraphBuilder(network).finish(network.inputs, outputs)
    await expect(open(cut, plain, ['conv4.bias'])).rejects.toMatchObject({
      code: 'GNT_MODEL_UNSUPPORTED',
    })
  })
})
