import { describe, expect, it } from 'vitest'
import type { Graph } from '../../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { FeatureModel } from '../../../src/model/features.js'
import { featureGraph, penultimate } from '../../../src/model/penultimate.js'
import { prepareNetwork } from '../../../src/model/prepare.js'
import { demoNetwork } from '../../../suites/demo/architecture.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import {
  floatsFeed,
  mlpOf,
  noiseOf,
  runGraph,
  samplesOf,
  withTail,
} from '../../helpers/networks.js'

const shape = [2, 3] as const
const base = mlpOf(shape, 4)

/** As PyTorch's older exporter writes a linear layer over tokens: Transpose of the weight, MatMul, Add. */
const turned: Graph = graphOf({
  inputs: { x: ['N', 6] },
  initializers: { w: noiseOf([4, 6]), b: noiseOf([4]) },
  nodes: [
    nodeOf('Relu', ['x'], ['a']),
    nodeOf('Transpose', ['w'], ['wt']),
    nodeOf('MatMul', ['a', 'wt'], ['product']),
    nodeOf('Add', ['b', 'product'], ['y']),
  ],
})

const convolutional = (opset: number): Graph =>
  graphOf({
    opset,
    inputs: { x: ['N', 3, 5, 5] },
    initializers: { w: noiseOf([4, 3, 1, 1]), b: noiseOf([4]) },
    nodes: [
      nodeOf('Relu', ['x'], ['a']),
      nodeOf('Conv', ['a', 'w', 'b'], ['maps']),
      nodeOf('GlobalAveragePool', ['maps'], ['pooled']),
      nodeOf('Flatten', ['pooled'], ['y']),
    ],
  })

describe('the last linear layer', () => {
  const dense = { value: 'a', width: 12, layer: { kind: 'dense', weight: 'w2', bias: 'b2' } }

  it.each<[string, Graph, object]>([
    ['Gemm', base, dense],
    [
      'Gemm with transB',
      demoNetwork(1),
      { width: 32, layer: { kind: 'dense', weight: 'fc2.weight' } },
    ],
    ['Softmax behind it', withTail(base, [nodeOf('Softmax', ['y'], ['p'])]), dense],
    [
      'a temperature and a Reshape behind it',
      withTail(
        base,
        [nodeOf('Div', ['y', 't'], ['cool']), nodeOf('Reshape', ['cool', 'same'], ['p'])],
        { t: tensorOfFloats([], [2]), same: tensorOfInts([2], [-1, 4]) },
      ),
      dense,
    ],
    [
      'MatMul of a turned weight, and Add',
      turned,
      { value: 'a', width: 6, layer: { kind: 'dense', weight: 'wt', bias: 'b' } },
    ],
    [
      'Conv, averaged over positions',
      convolutional(18),
      { value: 'a', width: 3, layer: { kind: 'convolution', weight: 'w', bias: 'b' } },
    ],
  ])('%s', (_, graph, expected) => {
    expect(penultimate(graph)).toMatchObject(expected)
  })

  it.each<[string, Graph, RegExp]>([
    ['a nonlinear end', withTail(base, [nodeOf('Relu', ['y'], ['p'])]), /node\/p \(Relu\)/],
    ['scores of two branches', withTail(base, [nodeOf('Add', ['y', 'y'], ['p'])]), /\(Add\)/],
    ['no layer', graphOf({ inputs: { y: ['N', 4] }, nodes: [] }), /no node makes/],
  ])('none: %s', (_, graph, message) => {
    expect(() => penultimate(graph)).toThrow(message)
  })
})

describe('features', () => {
  it.each<[string, Graph, readonly number[]]>([
    ['dense', base, shape],
    ['turned weight', turned, [6]],
    ['an older opset', { ...base, opsets: { '': 13 } }, shape],
  ])('times the last weight, plus its bias, are the logits: %s', async (_, graph, sample) => {
    const found = penultimate(graph)
    const x = samplesOf(5, sample, 1, [-1, 1])
    const feeds = { x: floatsFeed([5, ...sample], x) }
    const features = (await runGraph(featureGraph(graph, found), feeds))['gauntlet_features']!
    expect(features.dims).toEqual([5, found.width])
    const expected = (await runGraph(graph, feeds))['y']!
    const last = graphOf({
      inputs: { f: ['N', found.width] },
      initializers: graph.initializers,
      nodes: graph === turned ? turned.nodes.slice(1) : graph.nodes.slice(3),
    })
    const renamed = last.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => (name === 'a' ? 'f' : name)),
    }))
    const logits = (await runGraph({ ...last, nodes: renamed }, { f: features }))['y']!
    logits.data.forEach((value, i) => expect(value).toBeCloseTo(Number(expected.data[i]), 5))
  })

  it.each([13, 18])('of a convolution are averages over positions, opset %i', async (opset) => {
    const graph = convolutional(opset)
    const x = samplesOf(2, [3, 5, 5], 1, [-1, 1])
    const feeds = { x: floatsFeed([2, 3, 5, 5], x) }
    const out = await runGraph(featureGraph(graph, penultimate(graph)), feeds)
    const features = out['gauntlet_features']!
    expect(features.dims).toEqual([2, 3])
    for (let k = 0; k < 6; k++) {
      const plane = x.subarray(k * 25, (k + 1) * 25)
      const mean = plane.reduce((sum, value) => sum + Math.max(0, value), 0) / 25
      expect(features.data[k]).toBeCloseTo(mean, 5)
    }
  })

  it.each([
    ['free', 'N'],
    ['fixed', 2],
  ])('of a prepared network, in any number of rows, %s batch', async (_, batch) => {
    const prepared = await prepareNetwork(mlpOf(shape, 4, { batch, hidden: 7 }))
    const model = await FeatureModel.open(prepared)
    const x = samplesOf(5, shape)
    const all = await model.features(x, 5)
    expect(model.width).toBe(7)
    expect(all).toHaveLength(35)
    expect(all.some((value) => value > 0)).toBe(true)
    const last = await model.features(x.subarray(24), 1)
    last.forEach((value, k) => expect(value).toBeCloseTo(all[28 + k]!, 5))
    await model.close()
    prepared.weights.close()
  })
})
