import { describe, expect, it } from 'vitest'
import type { Tensor } from '../../../src/graph/ir.js'
import { upgrade } from '../../../src/graph/opset.js'
import { tensorOf, tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { verify } from '../../../src/graph/verify.js'
import {
  float,
  floats,
  graphOf,
  nodeOf,
  runOnNoise,
  type GraphSketch,
} from '../../helpers/graphs.js'

interface Case extends GraphSketch {
  readonly label: string
  readonly opset: number
  /** Operators of the upgraded graph, in order. */
  readonly ops: string
}

const image = { x: [2, 3, 4, 5] }
const vector = (...values: number[]): Tensor => tensorOfFloats([values.length], values)
const one = (
  opset: number,
  op: string,
  ops: string,
  attrs: Parameters<typeof nodeOf>[3] = {},
  more: Partial<GraphSketch> & { also?: readonly string[]; label?: string } = {},
): Case => ({
  label: more.label ?? JSON.stringify(attrs),
  opset,
  ops,
  inputs: image,
  nodes: [nodeOf(op, ['x', ...(more.also ?? [])], more.outputs ?? ['y'], attrs)],
  ...more,
})

const statistics = {
  scale: vector(1, 2, 3),
  bias: vector(0, 1, -1),
  mean: vector(0.1, 0.2, 0.3),
  variance: vector(1, 2, 0.5),
}
const normalization = { also: Object.keys(statistics), initializers: statistics }

const cases: readonly Case[] = [
  one(11, 'Squeeze', 'Squeeze', { axes: [0] }, { inputs: { x: [1, 4] } }),
  one(11, 'Squeeze', 'Squeeze', {}, { inputs: { x: [1, 4, 1] } }),
  one(7, 'Unsqueeze', 'Unsqueeze', { axes: [0, 3] }),
  ...['L1', 'L2', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'].flatMap((kind) => [
    one(8, `Reduce${kind}`, `Reduce${kind}`, { axes: [1, 2], keepdims: 0 }),
    one(17, `Reduce${kind}`, `Reduce${kind}`, kind === 'Sum' ? {} : { axes: [-1] }),
    one(11, `Reduce${kind}`, `Reduce${kind}`, {}),
  ]),
  one(7, 'Clip', 'Clip', { min: float(-0.5), max: float(0.25) }),
  one(10, 'Clip', 'Clip', { max: float(0.25) }),
  one(6 + 1, 'Clip', 'Clip', {}),
  one(9, 'Slice', 'Slice', { starts: [1, -3], ends: [2 ** 63, -1], axes: [1, 3] }),
  one(7, 'Slice', 'Slice', { starts: [0, 1], ends: [1, 3] }),
  one(7, 'Pad', 'Pad', { pads: [0, 0, 1, 2, 0, 0, 0, 1] }),
  one(10, 'Pad', 'Pad', { pads: [0, 0, 1, 2, 0, 0, 0, 1], value: float(-2) }),
  one(9, 'Pad', 'Pad', { pads: [0, 0, 1, 2, 0, 0, 0, 1], mode: 'reflect' }),
  ...['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op) => [
    one(7, op, op, {}, { inputs: { x: [3, 4] } }),
    one(11, op, op, { axis: -1 }),
    one(12, op, op, { axis: 3 }),
    one(9, op, `Shape Flatten ${op} Reshape`, {}),
    one(12, op, `Shape Flatten ${op} Reshape`, { axis: -2 }),
    one(9, op, `Shape Flatten ${op} Reshape`, { axis: 0 }, { inputs: { x: ['N', 4] } }),
    one(13, op, op, { axis: 1 }),
  ]),
  one(7, 'Split', 'Split', { axis: 3, split: [2, 3] }, { outputs: ['y', 'z'] }),
  one(11, 'Split', 'Split', { axis: 2 }, { outputs: ['y', 'z'] }),
  one(13, 'Split', 'Split', { axis: 1 }, { outputs: ['y', 'z', 'w'] }),
  one(7, 'Dropout', 'Identity', { ratio: float(0.5) }),
  one(10, 'Dropout', 'Identity', {}, { nodes: [nodeOf('Dropout', ['x'], ['y', 'mask'])] }),
  one(7, 'BatchNormalization', 'BatchNormalization', { spatial: 1 }, normalization),
  one(9, 'BatchNormalization', 'BatchNormalization', { epsilon: float(0.01) }, normalization),
  one(7, 'Upsample', 'Resize', { scales: floats(1, 1, 2, 3) }),
  one(7, 'Upsample', 'Resize', { scales: floats(1, 1, 2, 2), mode: 'linear' }),
  one(9, 'Upsample', 'Resize', { mode: 'nearest' }, scaled(1, 1, 1.5, 2.5)),
  one(10, 'Resize', 'Resize', {}, { ...scaled(1, 1, 0.6, 0.5), label: 'shrinks' }),
  one(10, 'Resize', 'Resize', {}, { ...scaled(1, 1, 1, 1.7), label: 'stretches' }),
  one(10, 'Resize', 'Resize', { mode: 'linear' }, scaled(1, 1, 2, 0.5)),
  one(
    11,
    'Resize',
    'Resize',
    { mode: 'cubic', coordinate_transformation_mode: 'half_pixel' },
    {
      also: ['roi', 'scales', 'sizes'],
      initializers: { roi: vector(), scales: vector(), sizes: tensorOfInts([4], [2, 3, 8, 7]) },
    },
  ),
  one(9, 'TopK', 'TopK', { k: 2, axis: 3 }, { outputs: ['y', 'z'] }),
  one(
    10,
    'TopK',
    'TopK',
    { axis: 1 },
    {
      outputs: ['y', 'z'],
      also: ['k'],
      initializers: { k: tensorOfInts([1], [2]) },
    },
  ),
  one(
    9,
    'Scatter',
    'ScatterElements',
    { axis: 1 },
    {
      inputs: { x: [1, 3], updates: [1, 2] },
      also: ['at', 'updates'],
      initializers: { at: tensorOfInts([1, 2], [2, 0]) },
    },
  ),
  one(
    10,
    'RoiAlign',
    'RoiAlign',
    { output_height: 2, output_width: 2 },
    {
      also: ['rois', 'which'],
      initializers: {
        rois: tensorOfFloats([1, 4], [0, 0, 3, 2]),
        which: tensorOfInts([1], [1]),
      },
    },
  ),
  one(
    7,
    'Gemm',
    'Gemm',
    {},
    {
      inputs: { x: ['N', 2] },
      also: ['b', 'c'],
      initializers: { b: tensorOfFloats([2, 2], [1, 2, 3, 4]), c: vector(5, 6) },
    },
  ),
  one(7, 'MaxPool', 'MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }),
  one(7, 'AveragePool', 'AveragePool', { kernel_shape: [2, 2], pads: [1, 1, 0, 0] }),
  one(7, 'Concat', 'Concat', { axis: 1 }, { also: ['x'] }),
  one(7, 'Cast', 'Cast', { to: 1 }),
  one(
    7,
    'Gather',
    'Gather',
    { axis: 2 },
    {
      also: ['at'],
      initializers: { at: tensorOfInts([2], [1, 0]) },
    },
  ),
  one(7, 'PRelu', 'PRelu', {}, { also: ['slope'], initializers: { slope: vector(0.25) } }),
]

function scaled(...values: number[]) {
  return { also: ['scales'], initializers: { scales: vector(...values) } }
}

describe.each(cases)('$ops in opset $opset: $label', (sketch) => {
  it('gives the same numbers in its form of opset 18', async () => {
    const legacy = graphOf(sketch)
    const modern = verify(upgrade(legacy))
    expect(modern.opsets['']).toBe(18)
    expect(modern.nodes.map((node) => node.op).join(' ')).toBe(sketch.ops)
    const expected = await runOnNoise(legacy)
    const found = await runOnNoise(modern)
    expect(Object.keys(found)).toEqual(Object.keys(expected))
    for (const [name, { dims, data }] of Object.entries(expected)) {
      expect(found[name]?.dims).toEqual(dims)
      const values = Array.from(found[name]?.data as ArrayLike<number>, Number)
      Array.from(data as ArrayLike<number>, Number).forEach((value, i) =>
        expect(values[i]).toBeCloseTo(value, 6),
      )
    }
  })
})

const branch = (name: string, axes: number[]) =>
  graphOf({
    outputs: [name],
    nodes: [{ ...nodeOf('ReduceSum', ['x'], [name], { axes }), name: 'sum' }],
  })

describe('upgrade', () => {
  it('finds the last axis through the layers in front of a softmax', () => {
    const graph = graphOf({
      opset: 9,
      inputs: { x: ['N', 3, 4, 4] },
      initializers: { w: tensorOfFloats([48, 2], Array(96).fill(1)), b: vector(1, 2) },
      nodes: [
        nodeOf('Relu', ['x'], ['relu']),
        nodeOf('Flatten', ['relu'], ['flat']),
        nodeOf('MatMul', ['flat', 'w'], ['product']),
        nodeOf('Add', ['product', 'b'], ['logits']),
        nodeOf('Softmax', ['logits'], ['y']),
      ],
    })
    expect(upgrade(graph).nodes.at(-1)).toMatchObject({
      op: 'Softmax',
      attrs: { axis: { kind: 'int', value: -1 } },
    })
  })

  it('takes ranks from outside where the graph does not say them', () => {
    const graph = graphOf({
      opset: 9,
      inputs: { x: null },
      nodes: [nodeOf('Softmax', ['x'], ['y'])],
    })
    expect(upgrade(graph).nodes).toHaveLength(4)
    expect(upgrade(graph, new Map([['x', [2, 5]]])).nodes).toHaveLength(1)
  })

  it('keeps the element type of a float64 clip', () => {
    const graph = graphOf({
      opset: 10,
      dtype: 'float64',
      inputs: { x: [2] },
      nodes: [nodeOf('Clip', ['x'], ['y'], { min: float(0) })],
    })
    expect(upgrade(graph).nodes.map((node) => node.op)).toEqual(['CastLike', 'Clip'])
  })

  it('goes into subgraphs and keeps new names apart', async () => {
    const graph = graphOf({
      opset: 11,
      inputs: image,
      initializers: { yes: tensorOf('bool', [], [1]) },
      nodes: [
        nodeOf('If', ['yes'], ['y'], {
          then_branch: { kind: 'graph', value: branch('a', [1]) },
          else_branch: { kind: 'graph', value: branch('b', [2]) },
        }),
      ],
    })
    const modern = verify(upgrade(graph))
    expect(await runOnNoise(modern)).toEqual(await runOnNoise(graph))
    const names = Object.values(modern.nodes[0]?.attrs ?? {}).flatMap((attr) =>
      attr.kind === 'graph' ? Object.keys(attr.value.initializers) : [],
    )
    expect(names).toEqual(['sum/axes', 'sum/axes_1'])
  })

  it('leaves opset 18 to 23 and other domains alone', () => {
    const modern = graphOf({ opset: 21, inputs: image, nodes: [nodeOf('Relu', ['x'], ['y'])] })
    expect(upgrade(modern)).toBe(modern)
    const foreign = { ...nodeOf('Clip', ['x'], ['y'], { min: float(0) }), domain: 'own' }
    const mixed = { ...graphOf({ opset: 9, inputs: image, nodes: [foreign] }) }
    expect(upgrade({ ...mixed, opsets: { '': 9, own: 1 } }).nodes).toEqual([foreign])
  })

  it.each([
    ['opset 6', graphOf({ opset: 6, nodes: [] }), /opset version.*ai\.onnx 6.*7 to 23/],
    ['opset 24', graphOf({ opset: 24, nodes: [] }), /opset version.*ai\.onnx 24/],
    ['Scan 8', one(8, 'Scan', '', {}), /Scan of an opset before 9.*node\/y/],
    ['ImageScaler', one(9, 'ImageScaler', '', {}), /ImageScaler of an opset before 10/],
    ['a used mask', one(9, 'Dropout', '', {}, { outputs: ['y', 'mask'] }), /its mask is used/],
    [
      'batch statistics',
      one(
        9,
        'BatchNormalization',
        '',
        {},
        { ...normalization, outputs: ['y', 'm', 'v', 's', 't'] },
      ),
      /training mode/,
    ],
    ['spatial=0', one(7, 'BatchNormalization', '', { spatial: 0 }, normalization), /spatial=0/],
    ['mixed nearest', one(10, 'Resize', '', {}, scaled(1, 1, 0.5, 2)), /shrinks one axis/],
    ['computed nearest', one(10, 'Resize', '', {}, { also: ['x'] }), /scales that are computed/],
    [
      'tf_half_pixel_for_nn',
      one(11, 'Resize', '', { coordinate_transformation_mode: 'tf_half_pixel_for_nn' }),
      /tf_half_pixel_for_nn/,
    ],
  ])('refuses %s', (_label, sketch, message) => {
    const graph = 'opsets' in sketch ? sketch : graphOf(sketch)
    expect(() => upgrade(graph)).toThrow(message)
    expect(() => upgrade(graph)).toThrow(
      expect.objectContaining({ code: 'GNT_MODEL_UNSUPPORTED' }) as Error,
    )
  })
})
