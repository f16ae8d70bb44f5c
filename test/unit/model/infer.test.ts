import { describe, expect, it } from 'vitest'
import type { Graph, Node } from '../../../src/graph/ir.js'
import { isRowWise } from '../../../src/graph/passes/row-wise.js'
import { isFixed } from '../../../src/graph/shapes.js'
import { tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { computedValues, inferShapes } from '../../../src/model/infer.js'
import { inferInfos, probeShapes } from '../../../src/model/probe.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import { noiseOf } from '../../helpers/networks.js'

const dims = (n: number): number[] => [n, 4, 6]
const feed = (n: number): Record<string, Feed> => {
  const data = Float32Array.from({ length: n * 24 }, (_, k) => ((k * 37) % 23) / 11 - 1)
  return { x: { dtype: 'float32', dims: dims(n), data } }
}

/** Value `y` of a sketch, whose input is x (N, 4, 6). */
const sketch = (nodes: readonly Node[], initializers: Graph['initializers'] = {}): Graph => ({
  ...graphOf({ inputs: { x: ['N', 4, 6] }, nodes, initializers }),
  outputs: [{ name: 'y', dtype: 'float32', dims: null }],
})

const ints = (...values: number[]): Graph['initializers'][string] =>
  tensorOfInts([values.length], values)

/** Every value as a run at batch n shows it. */
async function measured(graph: Graph, n: number): Promise<Record<string, Feed>> {
  const outputs = computedValues(graph).map((name) => ({
    name,
    dtype: 'float32' as const,
    dims: null,
  }))
  const session = await Session.open(encodeModel({ ...graph, outputs }))
  const values = await session.run(feed(n))
  await session.close()
  return values
}

const classToken = [
  nodeOf('ReduceMean', ['x', 'axis2'], ['mean'], { keepdims: 0 }),
  nodeOf('Shape', ['mean'], ['shape']),
  // ONNX Runtime follows a Gather of one size, not of several.
  nodeOf('Gather', ['shape', 'pick'], ['picked']),
  nodeOf('Mul', ['picked', 'wide'], ['wider']),
  nodeOf('Max', ['wider', 'least'], ['target']),
  nodeOf('Expand', ['token', 'target'], ['tokens']),
  nodeOf('Concat', ['tokens', 'x'], ['y'], { axis: 1 }),
]
const classTokenConstants = {
  axis2: ints(2),
  pick: ints(0, 0, 0),
  wide: ints(1, 0, 0),
  least: ints(1, 1, 1),
  token: noiseOf([1, 1, 6]),
}

describe('shapes', () => {
  it.each<[string, Graph]>([
    [
      'of products with weights, and of scalars',
      sketch(
        [
          nodeOf('MatMul', ['x', 'w'], ['wide']),
          nodeOf('ReduceMax', ['wide'], ['most'], { keepdims: 0 }),
          nodeOf('Div', ['wide', 'most'], ['y']),
        ],
        { w: noiseOf([6, 90]) },
      ),
    ],
    [
      'of a target computed from sizes',
      sketch(
        [
          nodeOf('Shape', ['x'], ['shape'], { start: 0, end: 1 }),
          nodeOf('Concat', ['shape', 'rest'], ['target'], { axis: 0 }),
          nodeOf('Reshape', ['x', 'target'], ['y']),
        ],
        { rest: ints(24) },
      ),
    ],
    [
      'of a target whose number of axes is not known before',
      sketch(
        [
          nodeOf('Shape', ['x'], ['shape']),
          nodeOf('Greater', ['shape', 'five'], ['is_long']),
          nodeOf('Compress', ['shape', 'is_long'], ['long'], { axis: 0 }),
          nodeOf('Concat', ['minus_one', 'long'], ['target'], { axis: 0 }),
          nodeOf('Reshape', ['x', 'target'], ['y']),
        ],
        { five: ints(5), minus_one: ints(-1) },
      ),
    ],
    [
      'of what only a run can tell',
      sketch([
        nodeOf('Abs', ['x'], ['positive']),
        nodeOf('NonZero', ['x'], ['places']),
        nodeOf('Shape', ['places'], ['y']),
      ]),
    ],
  ])('%s are those of a run', async (_, graph) => {
    const infos = await probeShapes(graph, null, feed)
    for (const n of [1, 2, 3, 5])
      for (const [name, { dtype, dims: seen }] of Object.entries(await measured(graph, n))) {
        const info = infos.get(name)!
        const expected = info.shape.map((size) => (isFixed(size) ? size : size.perBatch * n))
        expect({ name, dtype: info.dtype, dims: expected }).toEqual({ name, dtype, dims: seen })
      }
  })

  it('are known without a run, where they follow from sizes', async () => {
    const graph = sketch(
      [
        nodeOf('Shape', ['x'], ['shape']),
        nodeOf('Gather', ['shape', 'swap'], ['target']),
        nodeOf('Reshape', ['x', 'target'], ['y']),
      ],
      { swap: ints(0, 2, 1) },
    )
    const types = await inferShapes(graph, feed(5))
    expect(types.get('y')).toEqual({ dtype: 'float32', dims: [5, 6, 4] })
  })
})

/** Output rows for a few samples at once, and one by one. */
async function isIndependent(graph: Graph): Promise<boolean> {
  const session = await Session.open(encodeModel(graph))
  const all = feed(3)['x']!
  const together = (await session.run({ x: all }))['y']!.data as Float32Array
  const size = together.length / 3
  let same = true
  for (let i = 0; i < 3; i++) {
    const data = (all.data as Float32Array).slice(i * 24, (i + 1) * 24)
    const alone = await session.run({ x: { dtype: 'float32', dims: dims(1), data } })
    const row = together.subarray(i * size, (i + 1) * size)
    const own = alone['y']!.data as Float32Array
    same &&= own.length === size && own.every((value, k) => Math.abs(value - row[k]!) < 1e-5)
  }
  await session.close()
  return same
}

const proves = async (graph: Graph): Promise<boolean> =>
  isRowWise(graph, await inferInfos(graph, feed), 'x', 'y')

describe('samples of one batch', () => {
  it.each<[string, Node[], Graph['initializers']]>([
    ['a product', [nodeOf('MatMul', ['x', 'w'], ['y'])], { w: noiseOf([6, 90]) }],
    [
      'products of two values',
      [
        nodeOf('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }),
        nodeOf('MatMul', ['x', 't'], ['scores']),
        nodeOf('Softmax', ['scores'], ['p'], { axis: -1 }),
        nodeOf('MatMul', ['p', 'x'], ['y']),
      ],
      {},
    ],
    [
      'rows of samples folded into the batch and back',
      [
        nodeOf('Reshape', ['x', 'fold'], ['rows']),
        nodeOf('Gemm', ['rows', 'w', 'b'], ['h']),
        nodeOf('Reshape', ['h', 'unfold'], ['y']),
      ],
      { fold: ints(-1, 6), unfold: ints(-1, 4, 5), w: noiseOf([6, 5]), b: noiseOf([5]) },
    ],
    ['a token for each sample', classToken, classTokenConstants],
    [
      'sums, cuts and pads of a sample',
      [
        nodeOf('ReduceSum', ['x', 'axis2'], ['sum'], { keepdims: 1 }),
        nodeOf('Sub', ['x', 'sum'], ['rest']),
        nodeOf('Slice', ['rest', 'one', 'far', 'axis2'], ['cut']),
        nodeOf('Pad', ['cut', 'pads'], ['y']),
      ],
      { axis2: ints(2), one: ints(1), far: ints(99), pads: ints(0, 1, 0, 0, 0, 2) },
    ],
  ])('are proven to be independent: %s', async (_, nodes, constants) => {
    const graph = sketch(nodes, constants)
    expect(await proves(graph)).toBe(true)
    expect(await isIndependent(graph)).toBe(true)
  })

  it.each<[string, Node[], Graph['initializers']]>([
    [
      'the mean of the batch',
      [nodeOf('ReduceMean', ['x', 'axis0'], ['m']), nodeOf('Sub', ['x', 'm'], ['y'])],
      { axis0: ints(0) },
    ],
    ['a softmax over the batch', [nodeOf('Softmax', ['x'], ['y'], { axis: 0 })], {}],
    [
      'a running sum over the batch',
      [nodeOf('CumSum', ['x', 'zero'], ['y'])],
      { zero: tensorOfInts([], [0]) },
    ],
    [
      'the batch reversed',
      [nodeOf('Slice', ['x', 'last', 'before', 'axis0', 'back'], ['y'])],
      { last: ints(-1), before: ints(-99), axis0: ints(0), back: ints(-1) },
    ],
    [
      'the batch moved by one',
      [nodeOf('Pad', ['x', 'pads'], ['y'])],
      { pads: ints(1, 0, 0, -1, 0, 0) },
    ],
    [
      'the size of the batch',
      [
        nodeOf('Shape', ['x'], ['n'], { start: 0, end: 1 }),
        nodeOf('Cast', ['n'], ['size'], { to: 1 }),
        nodeOf('Div', ['x', 'size'], ['y']),
      ],
      {},
    ],
    [
      'axes exchanged by a Reshape after a Transpose',
      [
        nodeOf('Transpose', ['x'], ['t'], { perm: [1, 0, 2] }),
        nodeOf('Reshape', ['t', 'target'], ['y']),
      ],
      { target: ints(-1, 4, 6) },
    ],
    [
      'products of the samples with each other',
      [
        nodeOf('Flatten', ['x'], ['rows'], { axis: 1 }),
        nodeOf('Transpose', ['rows'], ['columns'], { perm: [1, 0] }),
        nodeOf('MatMul', ['rows', 'columns'], ['pairs']),
        nodeOf('MatMul', ['pairs', 'rows'], ['y']),
      ],
      {},
    ],
    [
      'batch statistics',
      [
        nodeOf('BatchNormalization', ['x', 'one', 'one', 'one', 'one'], ['y', 'm', 'v'], {
          training_mode: 1,
        }),
      ],
      { one: tensorOfFloats([4], [1, 1, 1, 1]) },
    ],
  ])('are not: %s', async (_, nodes, constants) => {
    const graph = sketch(nodes, constants)
    expect(await proves(graph)).toBe(false)
    expect(await isIndependent(graph)).toBe(false)
  })

  it('are not proven to be independent where a value is drawn at random', async () => {
    const noisy = [
      nodeOf('RandomNormalLike', ['x'], ['noise']),
      nodeOf('Add', ['x', 'noise'], ['y']),
    ]
    expect(await proves(sketch(noisy))).toBe(false)
  })
})
