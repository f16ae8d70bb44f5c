import { describe, expect, it } from 'vitest'
import type { Graph } from '../../../src/graph/ir.js'
import { floats } from '../../../src/graph/tensor.js'
import { Trainer } from '../../../src/poison/trainer.js'
import type { OptimizerSpec } from '../../../src/step/optimizers/index.js'
import { mlpOf, samplesOf } from '../../helpers/networks.js'

const network = mlpOf([6], 4)
const parameters = ['w1', 'b1', 'w2', 'b2']
const x = samplesOf(16, [6], 'optimizers', [-1, 1])
const labels = Int32Array.from({ length: 16 }, (_, i) => (i * 7) % 4)
const rates = [0.1, 0.05, 0.02, 0.02]

type Values = Readonly<Record<string, readonly number[]>>

const valuesOf = (graph: Graph): Values =>
  Object.fromEntries(parameters.map((name) => [name, [...floats(graph.initializers[name]!)]]))

/** The gradient where a graph stands: plain descent of length 1 walks along it. */
async function gradientsAt(graph: Graph): Promise<Values> {
  const probe = await Trainer.open(graph, { optimizer: { kind: 'sgd' } })
  await probe.train(x, labels, 1)
  const [before, after] = [valuesOf(graph), valuesOf(probe.graph())]
  await probe.close()
  return Object.fromEntries(
    parameters.map((name) => [name, before[name]!.map((value, i) => value - after[name]![i]!)]),
  )
}

/** One weight's step in doubles, by the formulas of the papers; `state` is the weight's own. */
type Reference = (w: number, g: number, rate: number, t: number, state: number[]) => number

const nesterov: Reference = (w, gradient, rate, _t, state) => {
  const g = gradient + 0.01 * w
  state[0] = 0.9 * (state[0] ?? 0) + g
  return w - rate * (g + 0.9 * state[0])
}

const adam =
  (l2: number, decay: number): Reference =>
  (w, gradient, rate, t, state) => {
    const g = gradient + l2 * w
    state[0] = 0.8 * (state[0] ?? 0) + 0.2 * g
    state[1] = 0.99 * (state[1] ?? 0) + 0.01 * g * g
    const [mean, square] = [state[0] / (1 - 0.8 ** t), state[1] / (1 - 0.99 ** t)]
    return w * (1 - rate * decay) - (rate * mean) / (Math.sqrt(square) + 1e-4)
  }

const moments = { beta1: 0.8, beta2: 0.99, epsilon: 1e-4 }

describe('optimizers, over four steps', () => {
  it.each<[string, OptimizerSpec, Reference]>([
    [
      "SGD with Nesterov's momentum",
      { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.01 },
      nesterov,
    ],
    ['Adam', { kind: 'adam', ...moments }, adam(0, 0)],
    ['Adam with an L2 penalty', { kind: 'adam', ...moments, weightDecay: 0.1 }, adam(0.1, 0)],
    ['AdamW', { kind: 'adamw', ...moments, weightDecay: 0.3 }, adam(0, 0.3)],
    ['AdamW as it comes', { kind: 'adamw', ...moments }, adam(0, 0.01)],
  ])('%s', async (_, optimizer, reference) => {
    const trainer = await Trainer.open(network, { optimizer })
    const states = new Map<string, number[]>()
    for (const [k, rate] of rates.entries()) {
      const graph = trainer.graph()
      const [before, gradients] = [valuesOf(graph), await gradientsAt(graph)]
      await trainer.train(x, labels, rate)
      const after = valuesOf(trainer.graph())
      for (const name of parameters)
        before[name]!.forEach((w, i) => {
          const key = `${name}/${i}`
          if (!states.has(key)) states.set(key, [])
          const expected = reference(w, gradients[name]![i]!, rate, k + 1, states.get(key)!)
          // Adam divides by what may be as small as ε: an error of a gradient of 1e-7 is 1e-3 of it.
          expect(Math.abs(after[name]![i]! - expected), key).toBeLessThan(2e-4)
        })
    }
    await trainer.close()
  })

  it('clips all gradients together to the norm they may have', async () => {
    const gradients = await gradientsAt(network)
    const norm = Math.hypot(...parameters.flatMap((name) => gradients[name]!))
    for (const clipNorm of [norm / 4, norm * 4]) {
      const trainer = await Trainer.open(network, { optimizer: { kind: 'sgd' }, clipNorm })
      await trainer.train(x, labels, 1)
      const [before, after] = [valuesOf(network), valuesOf(trainer.graph())]
      await trainer.close()
      const share = Math.min(1, clipNorm / norm)
      for (const name of parameters)
        before[name]!.forEach((w, i) =>
          expect(after[name]![i]).toBeCloseTo(w - share * gradients[name]![i]!, 5),
        )
    }
  })

  it.each<[string, OptimizerSpec | { kind: 'lion' }]>([
    ['momentum 1', { kind: 'sgd', momentum: 1 }],
    ['Nesterov without momentum', { kind: 'sgd', nesterov: true }],
    ['beta 1', { kind: 'adam', beta2: 1 }],
    ['no epsilon', { kind: 'adam', epsilon: 0 }],
    ['negative decay', { kind: 'adamw', weightDecay: -1 }],
    ['an unknown one', { kind: 'lion' }],
  ])('refuses %s', async (_, optimizer) => {
    const opened = Trainer.open(network, { optimizer: optimizer as OptimizerSpec })
    await expect(opened).rejects.toMatchObject({ code: 'GNT_USAGE' })
  })
})
