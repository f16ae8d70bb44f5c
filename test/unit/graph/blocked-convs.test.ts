import { describe, expect, it } from 'vitest'
import { blockedConvs } from '../../../src/graph/passes/blocked-convs.js'
import { tensorOfFloats } from '../../../src/graph/tensor.js'
import type { Graph } from '../../../src/graph/ir.js'
import { convBlock } from '../../../src/model/conv-block.js'
import { samplesOf } from '../../helpers/networks.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import { runOnNoise } from '../../helpers/run-graph.js'

const block = await convBlock()
if (block === undefined) console.log('skipped: this processor has no blocked convolutions')
const b = block ?? 16

const pass = (graph: Graph): Graph => {
  const infos = graph.inputs.map(({ name, dims }) => {
    return [name, { dtype: 'float32' as const, shape: dims as number[] }] as const
  })
  return blockedConvs(b)({ graph, infos: new Map(infos) }).graph
}
const blockedOf = (graph: Graph): number =>
  graph.nodes.filter(({ op, domain }) => op === 'Conv' && domain !== '').length

const pads = [1, 1, 1, 1]
const one = (
  channels: number,
  kernel: readonly number[],
  attrs: Parameters<typeof nodeOf>[3] = {},
): Graph =>
  graphOf({
    inputs: { x: [2, channels, 7, 6], w: kernel, bias: [kernel[0]!] },
    nodes: [nodeOf('Conv', ['x', 'w', 'bias'], ['a'], attrs), nodeOf('Tanh', ['a'], ['y'])],
  })
const layers = (second: string): Graph =>
  graphOf({
    inputs: { x: [2, 3, 7, 6], w: [b, 3, 3, 3], v: [2 * b, b, 3, 3] },
    outputs: ['y', 'sum'],
    nodes: [
      nodeOf('Conv', ['x', 'w'], ['a'], { pads }),
      nodeOf('Relu', ['a'], ['h']),
      nodeOf('Conv', ['h', 'v'], ['c'], { pads }),
      nodeOf('Relu', ['c'], ['d']),
      nodeOf('Neg', ['d'], ['y']),
      // Read in the common order as well as by the second convolution.
      nodeOf('ReduceMean', [second], ['sum']),
    ],
  })

describe.skipIf(block === undefined)('convolutions in blocks give what they gave', () => {
  it.each<[string, Graph, number]>([
    ['3×3', one(b, [b, b, 3, 3], { pads }), 1],
    ['a kernel that is not square', one(2 * b, [b, 2 * b, 1, 3], { pads: [0, 2, 0, 0] }), 1],
    ['stride 2', one(b, [2 * b, b, 3, 3], { pads, strides: [2, 2] }), 1],
    ['dilated', one(b, [2 * b, b, 3, 3], { pads, dilations: [2, 1] }), 1],
    ['fewer channels than a block', one(3, [b, 3, 5, 3], { pads }), 1],
    ['outputs that fill a part of a block', one(b, [5, b, 3, 3], { pads }), 1],
    ['outputs that fill a part of the last block', one(b, [4 * b - 3, b, 3, 3]), 1],
    ['two layers, their Relu within', layers('h'), 2],
    ['a Relu that is not alone', layers('a'), 2],
  ])('%s', async (_, graph, convs) => {
    const blocked = pass(graph)
    expect(blockedOf(blocked)).toBe(convs)
    const [expected, got] = [await runOnNoise(graph), await runOnNoise(blocked)]
    expect(got.length).toBe(expected.length)
    got.forEach((value, k) => expect(value).toBeCloseTo(expected[k]!, 4))
  })

  it('puts images into blocks once', () => {
    const reorders = pass(layers('h')).nodes.map(({ op }) => op)
    expect(reorders.filter((op) => op === 'ReorderInput')).toEqual([])
    expect(reorders.filter((op) => op === 'Relu')).toEqual([])
  })
})

describe('convolutions that are left as they are', () => {
  const w = tensorOfFloats([b, b, 3, 3], samplesOf(1, [b * b * 9]))
  const constant = graphOf({
    inputs: { x: [2, b, 7, 6] },
    initializers: { w },
    nodes: [nodeOf('Conv', ['x', 'w'], ['a']), nodeOf('Tanh', ['a'], ['y'])],
  })
  it.each<[string, Graph]>([
    ['a constant kernel', constant],
    ['1×1', one(b, [b, b, 1, 1])],
    ['groups', one(b, [b, b / 2, 3, 3], { group: 2 })],
    ['channels that do not fill their blocks', one(b + 4, [b, b + 4, 3, 3])],
    ['outputs that leave a block nearly empty', one(b, [b + 1, b, 3, 3])],
    ['few outputs of few channels', one(3, [5, 3, 3, 3])],
    ['padding by name', one(b, [b, b, 3, 3], { auto_pad: 'SAME_UPPER' })],
  ])('%s', (_, graph) => {
    expect(blockedOf(pass(graph))).toBe(0)
  })
})
