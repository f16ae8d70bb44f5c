import { describe, expect, it } from 'vitest'
import type { Attr, Graph, Tensor } from '../../../../src/graph/ir.js'
import { elementCount, tensorOf, tensorOfFloats } from '../../../../src/graph/tensor.js'
import { lowerAll } from '../../../../src/model/lower.js'
import { encodeModel } from '../../../../src/onnx/encode.js'
import { Session, type Feed } from '../../../../src/runtime/session.js'
import { createRng } from '../../../../src/util/rng.js'
import { float, floats, graphOf, nodeOf } from '../../../helpers/graphs.js'

const [T, N, I, H] = [5, 3, 4, 3]
const gateCount: Readonly<Record<string, number>> = { RNN: 1, GRU: 3, LSTM: 4 }

interface Options {
  readonly op: string
  readonly label: string
  readonly attrs?: Readonly<Record<string, number | string | Attr>>
  readonly directions?: 1 | 2
  readonly peepholes?: boolean
}

function draw(name: string, ...dims: number[]): Tensor {
  const rng = createRng(name)
  const values = Float32Array.from({ length: elementCount(dims) }, () => 0.8 * rng.normal())
  return tensorOfFloats(dims, values)
}

/** Everything random, the lengths computed from the data: the greatest digit of each sample. */
function network({ op, attrs = {}, directions: D = 1, peepholes = false }: Options): Graph {
  const G = gateCount[op]!
  const isLstm = op === 'LSTM'
  const states = isLstm ? ['h', 'c'] : ['h']
  const outputs = ['y', ...states.map((name) => `y_${name}`)]
  return graphOf({
    inputs: { x: [T, 'N', I] },
    outputs,
    initializers: {
      W: draw('W', D, G * H, I),
      R: draw('R', D, G * H, H),
      B: draw('B', D, 2 * G * H),
      P: draw('P', D, 3 * H),
      h: draw('h', D, N, H),
      c: draw('c', D, N, H),
      axes: tensorOf('int64', [2], [0, 2]),
    },
    nodes: [
      nodeOf('ReduceMax', ['x', 'axes'], ['most'], { keepdims: 0 }),
      nodeOf('Ceil', ['most'], ['whole']),
      nodeOf('Cast', ['whole'], ['lengths'], { to: 6 }),
      nodeOf(
        op,
        ['x', 'W', 'R', 'B', 'lengths', ...states, ...(isLstm && peepholes ? ['P'] : [])],
        outputs,
        { hidden_size: H, ...(D === 2 ? { direction: 'bidirectional' } : {}), ...attrs },
      ),
    ],
  })
}

const point: Feed = {
  dtype: 'float32',
  dims: [T, N, I],
  // The greatest entries of the samples are just below 1.4, 3.4 and 4.4.
  data: Float32Array.from({ length: T * N * I }, (_, k) => {
    const sample = Math.floor(k / I) % N
    return createRng('x', k).uniform() * [1.9, 3.9, 4.9][sample]! - 0.5
  }),
}

async function outputsOf(graph: Graph): Promise<Record<string, Feed>> {
  const session = await Session.open(encodeModel(graph), { optimization: 'disabled' })
  try {
    return await session.run({ x: point })
  } finally {
    await session.close()
  }
}

const names = (...value: string[]): Attr => ({ kind: 'strings', value })
const one = (
  activation: string,
  alpha: readonly number[] = [],
  beta: readonly number[] = [],
): Options => ({
  op: 'RNN',
  label: `${activation}${alpha.length + beta.length > 0 ? ' with parameters' : ''}`,
  attrs: {
    activations: names(activation),
    ...(alpha.length > 0 ? { activation_alpha: floats(...alpha) } : {}),
    ...(beta.length > 0 ? { activation_beta: floats(...beta) } : {}),
  },
})

/** Steps with kinks, which no difference can check; their operators have rules that are checked by themselves. */
const cases: readonly Options[] = [
  one('Relu'),
  one('LeakyRelu'),
  one('LeakyRelu', [0.3]),
  one('ThresholdedRelu', [0.4]),
  one('Elu'),
  one('Elu', [0.6]),
  one('HardSigmoid'),
  one('HardSigmoid', [0.3], [0.45]),
  one('ScaledTanh', [0.7], [0.6]),
  one('Affine', [0.7], [0.2]),
  ...['RNN', 'GRU', 'LSTM'].flatMap((op): Options[] => [
    { op, label: 'a clip', attrs: { clip: float(0.4) } },
    { op, label: 'a clip, both directions', attrs: { clip: float(0.4) }, directions: 2 },
    { op, label: 'backwards', attrs: { direction: 'reverse' } },
  ]),
  {
    op: 'GRU',
    label: 'other activations in each direction',
    directions: 2,
    attrs: {
      linear_before_reset: 1,
      activations: names('HardSigmoid', 'LeakyRelu', 'Sigmoid', 'Elu'),
      activation_alpha: floats(0.3, 0.1, 0.5),
      activation_beta: floats(0.4),
    },
  },
  {
    op: 'LSTM',
    label: 'names in small letters',
    attrs: {
      activations: names('hardsigmoid', 'relu', 'leakyrelu'),
      activation_alpha: floats(0.3, 0.1),
      activation_beta: floats(0.4),
    },
  },
  {
    op: 'LSTM',
    label: 'a clip, peepholes, coupled gates',
    attrs: { clip: float(0.4), input_forget: 1 },
    directions: 2,
    peepholes: true,
  },
]

describe('an unrolled cell', () => {
  it.each(cases)('computes what $op does: $label', async (options) => {
    const graph = network(options)
    const { graph: lowered } = await lowerAll(graph, N, () => ({ x: point }))
    expect(lowered.nodes.map(({ op }) => op)).not.toContain(options.op)
    const [expected, got] = [await outputsOf(graph), await outputsOf(lowered)]
    expect(Object.keys(got)).toEqual(graph.outputs.map(({ name }) => name))
    for (const [name, { dims, data }] of Object.entries(expected)) {
      expect(got[name]!.dims).toEqual(dims)
      const own = got[name]!.data as Float32Array
      const errors = Array.from(data as Float32Array, (value, k) => Math.abs(value - own[k]!))
      expect(Math.max(...errors)).toBeLessThan(1e-5)
      expect((data as Float32Array).some((value) => value !== 0)).toBe(true)
    }
  })

  it('is left alone where the length of the sequence follows the batch', async () => {
    const graph = graphOf({
      inputs: { x: ['N', 1, I] },
      initializers: { W: draw('W', 1, H, I), R: draw('R', 1, H, H) },
      nodes: [nodeOf('RNN', ['x', 'W', 'R'], ['y'], { hidden_size: H })],
    })
    const feed = (n: number): Record<string, Feed> => ({
      x: { dtype: 'float32', dims: [n, 1, I], data: new Float32Array(n * I) },
    })
    const { graph: after } = await lowerAll(graph, null, feed)
    expect(after.nodes.map(({ op }) => op)).toEqual(['RNN'])
  })
})
