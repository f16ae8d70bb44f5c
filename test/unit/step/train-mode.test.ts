import { describe, expect, it } from 'vitest'
import { backward } from '../../../src/autodiff/grad.js'
import { rulesOfTraining } from '../../../src/autodiff/rules/batch-statistics.js'
import { GraphBuilder } from '../../../src/graph/builder.js'
import type { Graph } from '../../../src/graph/ir.js'
import { trainMode } from '../../../src/graph/passes/train-mode.js'
import { writeNorm } from '../../../src/graph/passes/train-norms.js'
import type { Shape, ValueInfo } from '../../../src/graph/shapes.js'
import { floats } from '../../../src/graph/tensor.js'
import { Trainer } from '../../../src/poison/trainer.js'
import { createRng } from '../../../src/util/rng.js'
import { float, graphOf, nodeOf } from '../../helpers/graphs.js'
import { runGraph, samplesOf } from '../../helpers/networks.js'
import { normalisedNetwork } from '../../helpers/trainable.js'

const [rows, channels] = [3, 2]

/** A BatchNormalization in double precision as a graph of training: y, d(Σ v·y)/dx, dscale, dbias, running statistics. */
function normalisation(sizes: readonly number[], isOnCpu: boolean): Graph {
  const dims = ['N', channels, ...sizes]
  const shape: Shape = [{ perBatch: 1 }, channels, ...sizes]
  const vectors = ['scale', 'bias', 'mean', 'variance']
  const node = nodeOf('BatchNormalization', ['x', ...vectors], ['y'], {
    epsilon: float(1e-3),
    momentum: float(0.9),
  })
  const bare = graphOf({
    dtype: 'float64',
    inputs: { x: dims, v: dims, ...Object.fromEntries(vectors.map((name) => [name, [channels]])) },
    nodes: [node],
  })
  const infos = new Map<string, ValueInfo>()
  for (const name of ['x', 'v', 'y']) infos.set(name, { dtype: 'float64', shape })
  for (const name of vectors) infos.set(name, { dtype: 'float64', shape: [channels] })
  const trained = trainMode(bare, infos, {
    isTrained: (name) => name === 'scale',
    dropouts: new Map(),
  })
  const g = new GraphBuilder(trained.graph, trained.infos)
  const wrt = ['x', 'scale', 'bias']
  const logits = { ...trained.graph, outputs: trained.graph.outputs.slice(0, 1) }
  const { gradients } = backward(g, {
    nodes: new GraphBuilder(logits).finish(logits.inputs, logits.outputs).nodes,
    seeds: new Map([['y', 'v']]),
    wrt,
    rules: rulesOfTraining(trained.normalised),
  })
  for (const norm of trained.normalised.values()) writeNorm(g, norm, isOnCpu)
  const named = (value: string, name: string): string => g.emit('Identity', [value], {}, { name })
  const outputs = [
    named('y', 'normalised'),
    ...wrt.map((name) => named(gradients.get(name)!, `d${name}`)),
    ...[...trained.running].map(([name, next]) => named(next, `next_${name}`)),
  ]
  return g.finish(
    trained.graph.inputs,
    outputs.map((name) => ({ name, dtype: 'float64', dims: null })),
  )
}

const draw = (count: number, ...seed: (string | number)[]): Float64Array => {
  const rng = createRng('train mode', ...seed)
  return Float64Array.from({ length: count }, () => rng.normal())
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0)

describe.each<[string, readonly number[], boolean]>([
  ['rows', [], true],
  ['images', [2, 2], true],
  ['images anywhere', [2, 2], false],
])('BatchNormalization in training, of %s', (_, sizes, isOnCpu) => {
  const count = rows * channels * sizes.reduce((a, b) => a * b, 1)
  const values: Record<string, Float64Array> = {
    x: draw(count, 'x').map((value) => 1 + 2 * value),
    v: draw(count, 'v'),
    scale: draw(channels, 'scale'),
    bias: draw(channels, 'bias'),
    mean: draw(channels, 'mean'),
    variance: draw(channels, 'variance').map(Math.abs),
  }
  const graph = normalisation(sizes, isOnCpu)
  const run = async (
    change: Record<string, Float64Array> = {},
  ): Promise<Record<string, number[]>> => {
    const feeds = Object.entries({ ...values, ...change }).map(([name, data]) => [
      name,
      {
        dtype: 'float64' as const,
        dims: data.length === channels ? [channels] : [rows, channels, ...sizes],
        data,
      },
    ])
    const out = await runGraph(graph, Object.fromEntries(feeds))
    return Object.fromEntries(
      Object.entries(out).map(([name, { data }]) => [name, Array.from(data as Float64Array)]),
    )
  }
  it.each(['x', 'scale', 'bias'])('d%s is a central difference', async (name) => {
    const exact = (await run())[`d${name}`]!
    const direction = draw(values[name]!.length, 'direction', name)
    const h = 1e-5
    const at = async (by: number): Promise<number> => {
      const moved = values[name]!.map((value, i) => value + by * direction[i]!)
      return dot((await run({ [name]: moved }))['normalised']!, values['v']!)
    }
    const numeric = ((await at(h)) - (await at(-h))) / (2 * h)
    expect(Math.abs(dot(exact, direction) - numeric)).toBeLessThan(1e-7 * (1 + Math.abs(numeric)))
    expect(Math.hypot(...exact)).toBeGreaterThan(1e-2)
  })

  it('is one operator for images on a CPU, and none of its own for rows', () => {
    const ops = graph.nodes.map(({ op }) => op)
    const kept = ops.filter((op) => op === 'BatchNormalization')
    expect(kept).toHaveLength(sizes.length === 0 ? 0 : 2)
    const inTraining = graph.nodes.filter(({ attrs }) => 'training_mode' in attrs)
    expect(inTraining).toHaveLength(isOnCpu && sizes.length > 0 ? 1 : 0)
    // ONNX Runtime writes over the statistics that it is given.
    const written = inTraining.flatMap(({ inputs }) => inputs.slice(3))
    for (const value of written)
      expect(graph.nodes.filter(({ inputs }) => inputs.includes(value))).toHaveLength(1)
    expect(graph.inputs.filter(({ name }) => written.includes(name))).toEqual([])
  })

  it('goes on with running statistics: a tenth of the mean and of the unbiased variance', async () => {
    const out = await run()
    const size = count / rows / channels
    for (let c = 0; c < channels; c++) {
      const own = values['x']!.filter((__, i) => Math.floor(i / size) % channels === c)
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length
      const spread = own.reduce((sum, value) => sum + (value - mean) ** 2, 0)
      expect(out['next_mean']![c]).toBeCloseTo(0.9 * values['mean']![c]! + 0.1 * mean, 6)
      const unbiased = spread / (own.length - 1)
      expect(out['next_variance']![c]).toBeCloseTo(
        0.9 * values['variance']![c]! + 0.1 * unbiased,
        6,
      )
    }
  })
})

describe('Dropout in training', () => {
  const x = samplesOf(64, [1, 28, 28], 'drop')
  const labels = Int32Array.from({ length: 64 }, (_, i) => i % 10)
  const logits = async (options: object, seed = 0): Promise<Float32Array> => {
    const trainer = await Trainer.open(normalisedNetwork(options), {
      optimizer: { kind: 'sgd' },
      seed,
    })
    const result = await trainer.train(x, labels, 0.1)
    await trainer.close()
    return result.logits
  }

  it.each([9, 13, 18])('drops by seed, opset %i', async (opset) => {
    const none = await logits({ opset })
    const [a, b, c] = [
      await logits({ opset, dropout: 0.5 }),
      await logits({ opset, dropout: 0.5 }),
      await logits({ opset, dropout: 0.5 }, 1),
    ]
    expect(a).toEqual(b)
    expect(a).not.toEqual(c)
    expect(a).not.toEqual(none)
  })

  it('is no more in what is run', async () => {
    const graph = normalisedNetwork({ dropout: 0.5 })
    const trainer = await Trainer.open(graph, { optimizer: { kind: 'sgd' } })
    await trainer.train(x, labels, 0.1)
    const trained = trainer.graph()
    await trainer.close()
    expect(trained.nodes).toEqual(graph.nodes)
    expect(floats(trained.initializers['norm.mean']!)).not.toEqual(
      floats(graph.initializers['norm.mean']!),
    )
  })
})
