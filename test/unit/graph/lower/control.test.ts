import { describe, expect, it } from 'vitest'
import type { Graph, Node, Tensor } from '../../../../src/graph/ir.js'
import { tensorOf } from '../../../../src/graph/tensor.js'
import { lowerAll } from '../../../../src/model/lower.js'
import { gradientsAt } from '../../../helpers/gradient-check.js'
import { graphOf, nodeOf } from '../../../helpers/graphs.js'
import { body } from './cases/control.js'

const scalar = (value: number): Tensor => tensorOf('float32', [], [value])
const list = (...values: number[]): Tensor => tensorOf('int64', [values.length], values)
const constants = {
  zero: scalar(0),
  two: scalar(2),
  first: tensorOf('int64', [], [0]),
  many: tensorOf('int64', [], [1000]),
  pair: list(2),
}

function sketch(nodes: readonly Node[], initializers: Record<string, Tensor> = constants): Graph {
  return graphOf({ inputs: { x: ['N', 3] }, nodes, initializers })
}

/** The gradient of Σ y at a point of three numbers. */
async function gradient(nodes: readonly Node[], point: readonly number[]): Promise<number[]> {
  return (await gradientsAt(sketch(nodes), point))['x']!
}

const zeros = (n: number) => ({
  x: { dtype: 'float32', dims: [n, 3], data: new Float32Array(3 * n) } as const,
})
const grow = (inner: readonly Node[], outputs: readonly string[]) => ({
  body: body({ inputs: ['step', 'goesOn', 'h'], nodes: inner, outputs }),
})
const branch = (...nodes: Node[]) => body({ nodes, outputs: [nodes.at(-1)!.outputs[0]!] })
const isPositiveSum = [
  nodeOf('ReduceSum', ['x'], ['sum'], { keepdims: 0 }),
  nodeOf('Greater', ['sum', 'zero'], ['positive']),
]

describe('an If that depends on the data', () => {
  const nodes = [
    ...isPositiveSum,
    nodeOf('If', ['positive'], ['y'], {
      then_branch: branch(nodeOf('Sqrt', ['x'], ['a'])),
      else_branch: branch(nodeOf('Mul', ['x', 'two'], ['b'])),
    }),
  ]

  it('has the gradient of the branch that is taken', async () => {
    expect(await gradient(nodes, [1, 4, 0.25])).toEqual([0.5, 0.25, 1])
  })

  it('is not reached by what the other branch makes of its input', async () => {
    expect(await gradient(nodes, [-1, -4, 0])).toEqual([2, 2, 2])
  })

  it('hands on a value from outside, and two values at once', async () => {
    const two = [
      ...isPositiveSum,
      nodeOf('If', ['positive'], ['a', 'b'], {
        then_branch: body({
          nodes: [nodeOf('Identity', ['x'], ['c']), nodeOf('Exp', ['x'], ['d'])],
          outputs: ['c', 'd'],
        }),
        else_branch: body({
          nodes: [nodeOf('Neg', ['x'], ['c']), nodeOf('Identity', ['x'], ['d'])],
          outputs: ['c', 'd'],
        }),
      }),
      nodeOf('Mul', ['a', 'b'], ['y']),
    ]
    // x·eˣ, then −x².
    expect((await gradient(two, [0, 0, 1]))[2]).toBeCloseTo(2 * Math.E, 5)
    expect(await gradient(two, [-1, -2, -3])).toEqual([2, 4, 6])
  })

  it('is refused when the branches differ in shape', async () => {
    const unlike = [
      ...isPositiveSum,
      nodeOf('If', ['positive'], ['a'], {
        then_branch: branch(nodeOf('Sin', ['x'], ['c'])),
        else_branch: branch(nodeOf('ReduceMax', ['x'], ['d'])),
      }),
      nodeOf('Mul', ['a', 'x'], ['y']),
    ]
    await expect(gradient(unlike, [1, 2, 3])).rejects.toThrow(/branches of unlike shapes/)
  })
})

describe('a condition that follows from the shape', () => {
  it('is settled; the branch that is not taken may be of another shape', async () => {
    const nodes = [
      nodeOf('Shape', ['x'], ['shape'], { start: 1 }),
      nodeOf('Squeeze', ['shape'], ['width']),
      nodeOf('Greater', ['width', 'first'], ['wide']),
      nodeOf('If', ['wide'], ['y'], {
        then_branch: branch(nodeOf('Mul', ['x', 'x'], ['a'])),
        else_branch: branch(nodeOf('ReduceMax', ['x'], ['b'])),
      }),
    ]
    expect(await gradient(nodes, [1, 2, 3])).toEqual([2, 4, 6])
  })

  it('is that of a larger batch where only a batch of one is otherwise', async () => {
    const nodes = [
      nodeOf('Shape', ['x'], ['shape'], { end: 1 }),
      nodeOf('Equal', ['shape', 'one'], ['single']),
      nodeOf('If', ['single'], ['y'], {
        then_branch: branch(nodeOf('Squeeze', ['x'], ['a'])),
        else_branch: branch(nodeOf('Sin', ['x'], ['b'])),
      }),
    ]
    const { graph } = await lowerAll(sketch(nodes, { one: list(1) }), null, zeros)
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Sin'])
  })
})

describe('a Loop', () => {
  it('that stops when the data says so is refused', async () => {
    const nodes = [
      nodeOf('Loop', ['many', '', 'x'], ['y'], {
        ...grow(
          [
            nodeOf('Mul', ['h', 'two'], ['next']),
            nodeOf('ReduceSum', ['next'], ['total'], { keepdims: 0 }),
            nodeOf('Greater', ['zero', 'total'], ['again']),
          ],
          ['again', 'next'],
        ),
      }),
    ]
    await expect(gradient(nodes, [1, 2, 3])).rejects.toThrow(/number of steps depends on the data/)
  })

  it('that only reads the input in its body is seen', async () => {
    const nodes = [
      ...isPositiveSum,
      nodeOf('Loop', ['many', 'positive', 'two'], ['h1'], {
        ...grow(
          [
            nodeOf('ReduceMax', ['x'], ['next'], { keepdims: 0 }),
            nodeOf('Greater', ['next', 'h'], ['again']),
          ],
          ['again', 'next'],
        ),
      }),
      nodeOf('Mul', ['x', 'h1'], ['y']),
    ]
    await expect(gradient(nodes, [1, 2, 3])).rejects.toThrow(/no gradient rule for ai.onnx::Loop/)
  })

  it('runs as often as a length in the shape, with positions that become constants', async () => {
    const nodes = [
      nodeOf('Shape', ['x'], ['shape'], { start: 1 }),
      nodeOf('Squeeze', ['shape'], ['width']),
      nodeOf('Loop', ['width', '', 'two'], ['h1', 'y'], {
        ...grow(
          [
            nodeOf('Identity', ['goesOn'], ['again']),
            nodeOf('Unsqueeze', ['step', 'axis'], ['from']),
            nodeOf('Add', ['from', 'one'], ['to']),
            nodeOf('Slice', ['x', 'from', 'to', 'one'], ['part']),
            nodeOf('Mul', ['part', 'h'], ['product']),
            nodeOf('ReduceSum', ['product'], ['next'], { keepdims: 0 }),
          ],
          ['again', 'next', 'next'],
        ),
      }),
    ]
    const graph = sketch(nodes, { ...constants, axis: list(0), one: list(1) })
    // 2·a + 2·a·b + 2·a·b·c
    const { x } = await gradientsAt(graph, [1, 2, 3])
    expect(x).toEqual([2 + 4 + 12, 2 + 6, 4])
  })
})
