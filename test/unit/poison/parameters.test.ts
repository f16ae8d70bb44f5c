import { describe, expect, it } from 'vitest'
import type { Graph } from '../../../src/graph/ir.js'
import { floats, tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { freshWeights } from '../../../src/poison/initial-weights.js'
import { chooseParameters, parametersOf, type Trained } from '../../../src/poison/parameters.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import { noiseOf } from '../../helpers/networks.js'
import { normalisedNetwork } from '../../helpers/trainable.js'

/**
 * All that the rule has a word on: preprocessing, Conv, a normalisation written out, a linear layer as MatMul of a turned
 * weight and Add, numbers and shapes, an embedding that goes nowhere.
 */
const mixed: Graph = graphOf({
  inputs: { x: ['N', 3, 4, 4] },
  initializers: {
    mean: noiseOf([1, 3, 1, 1]),
    std: noiseOf([1, 3, 1, 1]),
    kernel: noiseOf([8, 3, 3, 3]),
    gamma: noiseOf([1, 8, 1, 1]),
    beta: noiseOf([8, 1, 1]),
    half: tensorOfFloats([], [0.5]),
    shape: tensorOfInts([2], [-1, 128]),
    positions: noiseOf([16, 128]),
    hidden: noiseOf([16, 128]),
    'hidden.bias': noiseOf([16]),
    table: noiseOf([5, 16]),
    last: noiseOf([16, 10]),
    'last.bias': noiseOf([1]),
    unused: noiseOf([16, 16]),
  },
  nodes: [
    nodeOf('Sub', ['x', 'mean'], ['centred']),
    nodeOf('Div', ['centred', 'std'], ['normal']),
    nodeOf('Conv', ['normal', 'kernel'], ['maps'], { pads: [1, 1, 1, 1] }),
    nodeOf('Mul', ['maps', 'gamma'], ['scaled']),
    nodeOf('Add', ['beta', 'scaled'], ['shifted']),
    nodeOf('Relu', ['shifted'], ['active']),
    nodeOf('Mul', ['active', 'half'], ['smaller']),
    nodeOf('Reshape', ['smaller', 'shape'], ['flat']),
    nodeOf('Transpose', ['hidden'], ['turned']),
    nodeOf('MatMul', ['flat', 'turned'], ['product']),
    nodeOf('Add', ['product', 'hidden.bias'], ['h']),
    nodeOf('MatMul', ['h', 'unused'], ['nowhere']),
    nodeOf('MatMul', ['h', 'last'], ['scores']),
    nodeOf('Add', ['scores', 'last.bias'], ['y']),
  ],
})

const namesOf = (graph: Graph, trained: Trained): string[] =>
  chooseParameters(graph, trained).map(({ name }) => name)

describe('the parameters of a network', () => {
  it('are what its layers read', () => {
    expect(parametersOf(mixed)).toEqual(
      [
        { name: 'kernel', role: 'weight', fanIn: 27 },
        { name: 'gamma', role: 'scale', fanIn: 0 },
        { name: 'beta', role: 'bias', fanIn: 0 },
        { name: 'hidden', role: 'weight', fanIn: 128 },
        { name: 'hidden.bias', role: 'bias', fanIn: 128 },
        { name: 'last', role: 'weight', fanIn: 16 },
        { name: 'last.bias', role: 'bias', fanIn: 16 },
      ].map((one) => (one.name === 'beta' ? { ...one, role: 'shift' } : one)),
    )
  })

  it('of a normalisation are scale and bias, not its statistics', () => {
    expect(namesOf(normalisedNetwork(), 'all')).toEqual([
      'conv.weight',
      'norm.weight',
      'norm.bias',
      'dense.weight',
      'dense.bias',
    ])
  })

  it.each<[string, Graph, Trained, readonly string[]]>([
    ['the last layer', normalisedNetwork(), 'head', ['dense.weight', 'dense.bias']],
    ['the last layer as MatMul and Add', mixed, 'head', ['last', 'last.bias']],
    ['a pattern', normalisedNetwork(), ['dense.*'], ['dense.weight', 'dense.bias']],
    ['names, each once', mixed, ['last', 'l*'], ['last', 'last.bias']],
    ['a constant that the rule leaves out, by its name', mixed, ['mean'], ['mean']],
  ])('can be chosen: %s', (_, graph, trained, expected) => {
    expect(namesOf(graph, trained)).toEqual(expected)
  })

  it.each<[string, Graph, Trained, RegExp]>([
    ['a name with a slip', mixed, ['kernle'], /no constant of that name.*did you mean kernel/],
    ['whole numbers', mixed, ['shape'], /got int64/],
    ['a pattern of nothing', mixed, ['conv*'], /no parameter of the model matches/],
    [
      'no weights at all',
      graphOf({ inputs: { x: ['N', 4] }, nodes: [nodeOf('Relu', ['x'], ['y'])] }),
      'all',
      /no weights that could be trained/,
    ],
  ])('cannot be: %s', (_, graph, trained, message) => {
    expect(() => chooseParameters(graph, trained)).toThrow(message)
  })
})

describe('fresh weights', () => {
  const graph = normalisedNetwork()
  const fresh = freshWeights(graph, parametersOf(graph), 1)
  const of = (name: string): Float32Array => floats(fresh.initializers[name]!)

  it.each([
    ['conv.weight', 1 / 3],
    ['dense.weight', 1 / Math.sqrt(392)],
    ['dense.bias', 1 / Math.sqrt(392)],
  ])('%s is uniform within ±1/√fan-in', (name, bound) => {
    const values = of(name)
    const most = Math.max(...values.map(Math.abs))
    expect(most).toBeLessThanOrEqual(bound)
    expect(most).toBeGreaterThan(0.7 * bound)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    expect(Math.abs(mean)).toBeLessThan((3 * bound) / Math.sqrt(3 * values.length))
  })

  it.each([
    ['norm.weight', 1],
    ['norm.bias', 0],
    ['norm.mean', 0],
    ['norm.variance', 1],
  ])('%s is %d', (name, value) => {
    expect(Array.from(of(name))).toEqual(Array.from({ length: 8 }, () => value))
  })

  it('are drawn by seed and name; the rest of the file stays', () => {
    const again = freshWeights(graph, parametersOf(graph), 1)
    expect(again).toEqual(fresh)
    const other = freshWeights(graph, parametersOf(graph), 2)
    expect(floats(other.initializers['dense.weight']!)).not.toEqual(of('dense.weight'))
    const head = freshWeights(graph, chooseParameters(graph, 'head'), 1)
    expect(head.initializers['conv.weight']).toBe(graph.initializers['conv.weight'])
    expect(head.initializers['norm.mean']).toBe(graph.initializers['norm.mean'])
    expect(floats(head.initializers['dense.weight']!)).toEqual(of('dense.weight'))
  })
})
