import { describe, expect, it } from 'vitest'
import type { Graph, Node } from '../../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { gradientsAt } from '../../helpers/gradient-check.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'

const constant = (value: number) => tensorOfFloats([1], [value])
const parts = [nodeOf('Sign', ['x'], ['s']), nodeOf('Abs', ['x'], ['a'])]

describe('a Sign that takes a number apart', () => {
  it.each<[string, Node[], Graph['initializers'], number[], number[]]>([
    ['sign(x) · |x|', [...parts, nodeOf('Mul', ['s', 'a'], ['y'])], {}, [-2, 1, 3], [1, 1, 1]],
    [
      'a signed root',
      [...parts, nodeOf('Sqrt', ['a'], ['r']), nodeOf('Mul', ['r', 's'], ['y'])],
      {},
      [-4, 1, 4],
      [0.25, 0.5, 0.25],
    ],
    [
      'a soft threshold',
      [
        ...parts,
        nodeOf('Sub', ['a', 'l'], ['d']),
        nodeOf('Relu', ['d'], ['r']),
        nodeOf('Mul', ['s', 'r'], ['y']),
      ],
      { l: constant(0.5) },
      [-2, 0.25, 2],
      [1, 0, 1],
    ],
    [
      'softshrink as PyTorch writes it',
      [
        ...parts,
        nodeOf('Greater', ['a', 'l'], ['b']),
        nodeOf('Mul', ['s', 'l'], ['t']),
        nodeOf('Sub', ['x', 't'], ['d']),
        nodeOf('Where', ['b', 'd', 'o'], ['y']),
      ],
      { l: constant(0.5), o: constant(0) },
      [-2, 0.25, 2],
      [1, 0, 1],
    ],
  ])('%s', async (_, nodes, initializers, point, expected) => {
    expect(await gradientOf(nodes, initializers, point)).toEqual(near(expected))
  })
})

describe('a Sign that binarises stays straight-through', () => {
  it.each<[string, Node[], Graph['initializers'], number[], number[]]>([
    [
      'times a scale',
      [nodeOf('Sign', ['x'], ['s']), nodeOf('Mul', ['s', 'l'], ['y'])],
      { l: constant(0.5) },
      [-2, 1, 3],
      [0.5, 0.5, 0.5],
    ],
    [
      'x + (sign(x) − x), detached in training',
      [
        nodeOf('Sign', ['x'], ['s']),
        nodeOf('Sub', ['s', 'x'], ['d']),
        nodeOf('Add', ['x', 'd'], ['y']),
      ],
      {},
      [-2, 1, 3],
      [1, 1, 1],
    ],
    [
      'times the mean size (XNOR-Net)',
      [...parts, nodeOf('ReduceMean', ['a', 'axis'], ['m']), nodeOf('Mul', ['s', 'm'], ['y'])],
      { axis: tensorOfInts([1], [1]) },
      [1, 2, 3],
      [2 + 1, 2 + 1, 2 + 1],
    ],
  ])('%s', async (_, nodes, initializers, point, expected) => {
    expect(await gradientOf(nodes, initializers, point)).toEqual(near(expected))
  })
})

const near = (values: readonly number[]): unknown[] =>
  values.map((value) => expect.closeTo(value, 5) as unknown)

async function gradientOf(
  nodes: readonly Node[],
  initializers: Graph['initializers'],
  point: readonly number[],
): Promise<number[]> {
  const graph = graphOf({ inputs: { x: ['N', 3] }, initializers, nodes: [...nodes] })
  return (await gradientsAt(graph, point))['x']!
}
