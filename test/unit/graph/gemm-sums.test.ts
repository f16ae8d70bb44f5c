import { describe, expect, it } from 'vitest'
import { gemmSums } from '../../../src/graph/passes/gemm-sums.js'
import { tensorOf, tensorOfFloats } from '../../../src/graph/tensor.js'
import type { Graph, Node } from '../../../src/graph/ir.js'
import { float, graphOf, nodeOf } from '../../helpers/graphs.js'
import { runOnNoise } from '../../helpers/run-graph.js'

const graph = (nodes: readonly Node[], summand: readonly number[] = [3, 5]): Graph =>
  graphOf({
    inputs: { a: [4, 3], b: [4, 5], w: summand },
    initializers: {
      decay: tensorOf('float32', [], [0.25]),
      row: tensorOfFloats([5], [1, 2, 3, 4, 5]),
    },
    nodes,
  })
const pass = (from: Graph): Graph => {
  const infos = from.inputs.map(({ name, dims }) => {
    return [name, { dtype: 'float32' as const, shape: dims as number[] }] as const
  })
  return gemmSums({ graph: from, infos: new Map(infos) }).graph
}
const opsOf = ({ nodes }: Graph): string[] => nodes.map(({ op }) => op)

const gemm = nodeOf('Gemm', ['a', 'b'], ['g'], { transA: 1, alpha: float(0.5) })
const scaled = nodeOf('Mul', ['w', 'decay'], ['s'])
const last = nodeOf('Tanh', ['sum'], ['y'])

describe('a product plus a multiple of what is fed', () => {
  it.each([
    ['the product first', ['g', 's']],
    ['the product last', ['s', 'g']],
  ])('is one Gemm: %s', async (_, inputs) => {
    const from = graph([gemm, scaled, nodeOf('Add', inputs, ['sum']), last])
    const to = pass(from)
    expect(opsOf(to)).toEqual(['Gemm', 'Tanh'])
    const expected = await runOnNoise(from)
    ;(await runOnNoise(to)).forEach((value, k) => expect(value).toBeCloseTo(expected[k]!, 5))
  })

  it.each<[string, Graph]>([
    [
      'a product that others read',
      graph([gemm, scaled, nodeOf('Add', ['g', 's'], ['p']), nodeOf('Mul', ['p', 'g'], ['y'])]),
    ],
    [
      'a product with a summand',
      graph([
        nodeOf('Gemm', ['a', 'b', 'row'], ['g'], { transA: 1 }),
        scaled,
        nodeOf('Add', ['g', 's'], ['sum']),
        last,
      ]),
    ],
    [
      'a summand that is made larger',
      graph([gemm, scaled, nodeOf('Add', ['g', 's'], ['sum']), last], [1, 5]),
    ],
    [
      'a factor that is no scalar',
      graph([gemm, nodeOf('Mul', ['w', 'row'], ['s']), nodeOf('Add', ['g', 's'], ['sum']), last]),
    ],
    ['an output', graph([gemm, scaled, nodeOf('Add', ['g', 's'], ['y'])])],
  ])('is left as it is: %s', (_, from) => {
    expect(opsOf(pass(from))).toEqual(opsOf(from))
  })
})
