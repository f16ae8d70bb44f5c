import { describe, expect, it } from 'vitest'
import type { Graph } from '../../../src/graph/ir.js'
import { foldBatchNorms } from '../../../src/graph/passes/fold-batch-norms.js'
import { floats, tensorOfFloats } from '../../../src/graph/tensor.js'
import { verify } from '../../../src/graph/verify.js'
import { simplify } from '../../../src/model/simplify.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session } from '../../../src/runtime/session.js'
import { float, graphOf, nodeOf } from '../../helpers/graphs.js'
import { noiseOf } from '../../helpers/networks.js'

interface Case {
  readonly group?: number
  readonly bias?: boolean
  readonly training?: boolean
  readonly isRead?: boolean
}

/** Conv to 6 channels, normalised. */
function normalised({ group = 1, bias = false, training = false, isRead = false }: Case): Graph {
  const inputs = bias ? ['x', 'w', 'b'] : ['x', 'w']
  const norm = nodeOf('BatchNormalization', ['c', 'scale', 'shift', 'mean', 'variance'], ['y'], {
    epsilon: float(0.01),
    training_mode: training ? 1 : 0,
  })
  const graph = graphOf({
    inputs: { x: ['N', 4, 5, 5] },
    initializers: {
      w: noiseOf([6, 4 / group, 3, 3]),
      b: noiseOf([6]),
      scale: tensorOfFloats([6], [1, -2, 0.5, 3, 0, 1]),
      shift: tensorOfFloats([6], [0, 1, -1, 2, 0.5, 0]),
      mean: tensorOfFloats([6], [0.3, -0.2, 0.1, 0, 1, 0]),
      variance: tensorOfFloats([6], [1, 0.5, 2, 0.01, 1, 0]),
    },
    nodes: [
      nodeOf('Conv', inputs, ['c'], { group, kernel_shape: [3, 3] }),
      training ? { ...norm, outputs: ['y', 'm', 'v'] } : norm,
      nodeOf('Relu', [isRead ? 'c' : 'y'], ['z']),
    ],
  })
  return { ...graph, outputs: ['y', 'z'].map((name) => ({ name, dtype: 'float32', dims: null })) }
}

async function run(graph: Graph): Promise<number[]> {
  const session = await Session.open(encodeModel(graph), { optimization: 'disabled' })
  const data = Float32Array.from({ length: 200 }, (_, k) => ((k * 37) % 41) / 20 - 1)
  const { y, z } = await session.run({ x: { dtype: 'float32', dims: [2, 4, 5, 5], data } })
  await session.close()
  return [...(y!.data as Float32Array), ...(z!.data as Float32Array)]
}

/** Weight and bias of the Conv. */
const constantsOf = ({ nodes, initializers }: Graph): number[][] =>
  nodes[0]!.inputs.slice(1).map((name) => [...floats(initializers[name]!)])

describe('a BatchNormalization after a Conv', () => {
  it.each<[string, Case]>([
    ['without a bias', {}],
    ['with a bias', { bias: true }],
    ['in two groups', { group: 2, bias: true }],
  ])('goes into its weights: %s', async (_, test) => {
    const graph = normalised(test)
    const folded = verify(foldBatchNorms(graph))
    expect(folded.nodes.map(({ op }) => op)).toEqual(['Conv', 'Relu'])
    const expected = await run(graph)
    for (const [k, value] of (await run(folded)).entries())
      expect(value).toBeCloseTo(expected[k]!, 4)
  })

  it.each<[string, Case]>([
    ['without a bias', {}],
    ['with a bias', { bias: true }],
  ])('leaves the bits that ONNX Runtime would leave: %s', async (_, test) => {
    const graph = normalised(test)
    const own = foldBatchNorms(graph)
    const theirs = await simplify(graph, 'basic')
    expect(theirs.nodes.map(({ op }) => op)).toEqual(['Conv', 'Relu'])
    expect(constantsOf(own)).toEqual(constantsOf(theirs))
  })

  it('leaves nothing of what the new weights were made of', () => {
    const { initializers, nodes } = foldBatchNorms(normalised({ bias: true }))
    expect(Object.keys(initializers)).toEqual(nodes[0]!.inputs.slice(1))
  })

  it.each<[string, Case]>([
    ['that somebody else reads', { isRead: true }],
    ['that trains', { training: true }],
  ])('stays: one %s', (_, test) => {
    const graph = normalised(test)
    expect(foldBatchNorms(graph)).toBe(graph)
  })
})
