import { expect, it } from 'vitest'
import type { Graph, Node, Tensor } from '../../../src/graph/ir.js'
import { elementCount, tensorOf, tensorOfFloats } from '../../../src/graph/tensor.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { compileStep } from '../../../src/step/compile.js'
import { createRng } from '../../../src/util/rng.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'

const [N, T, I, H, K] = [3, 6, 4, 5, 3]
const list = (...values: number[]): Tensor => tensorOf('int64', [values.length], values)

function draw(name: string, ...dims: number[]): Tensor {
  const rng = createRng('recurrent', name)
  const values = Float32Array.from({ length: elementCount(dims) }, () => 0.6 * rng.normal())
  return tensorOfFloats(dims, values)
}

/** Zeros (1, N, H) as exporters write them: as wide as the batch. */
const zeros = (name: string): Node[] => [
  nodeOf('Shape', ['x'], [`${name}_shape`]),
  nodeOf('Gather', [`${name}_shape`, 'first'], [`${name}_batch`]),
  nodeOf('Concat', ['one', `${name}_batch`, 'hidden'], [`${name}_sizes`], { axis: 0 }),
  nodeOf('ConstantOfShape', [`${name}_sizes`], [name]),
]

/** (N, T, I) → LSTM → its last step → Gemm. */
function classifier(): Graph {
  return graphOf({
    inputs: { x: ['N', T, I] },
    outputs: ['scores'],
    initializers: {
      W: draw('W', 1, 4 * H, I),
      R: draw('R', 1, 4 * H, H),
      B: draw('B', 1, 8 * H),
      F: draw('F', K, H),
      f: draw('f', K),
      first: list(0),
      one: list(1),
      hidden: list(H),
      last: tensorOf('int64', [], [-1]),
    },
    nodes: [
      nodeOf('Transpose', ['x'], ['steps'], { perm: [1, 0, 2] }),
      ...zeros('h'),
      ...zeros('c'),
      nodeOf('LSTM', ['steps', 'W', 'R', 'B', '', 'h', 'c'], ['whole'], { hidden_size: H }),
      nodeOf('Squeeze', ['whole', 'one'], ['hiddens']),
      nodeOf('Gather', ['hiddens', 'last'], ['final'], { axis: 0 }),
      nodeOf('Gemm', ['final', 'F', 'f'], ['scores'], { transB: 1 }),
    ],
  })
}

const labels: Feed = { dtype: 'int64', dims: [N], data: BigInt64Array.of(0n, 1n, 2n) }
const number = (value: number): Feed => ({
  dtype: 'float32',
  dims: [],
  data: Float32Array.of(value),
})
const samples = (data: Float32Array): Feed => ({ dtype: 'float32', dims: [N, T, I], data })

/** Y, Y_h or Y_c of an LSTM that takes the batch first, or of the same written with transpositions. */
function batchFirst(output: number, isWritten: boolean): Graph {
  const outputs = ['', '', '']
  outputs[output] = isWritten ? 'inner' : 'own'
  const turned = output === 0 ? [2, 0, 1, 3] : [1, 0, 2]
  const lstm = { hidden_size: H, direction: 'bidirectional' }
  const inputs = ['W', 'R', 'B', '']
  const plain = [nodeOf('LSTM', ['x', ...inputs, 'h', 'c'], outputs, { ...lstm, layout: 1 })]
  const written = [
    nodeOf('Transpose', ['x'], ['steps'], { perm: [1, 0, 2] }),
    nodeOf('Transpose', ['h'], ['h0'], { perm: [1, 0, 2] }),
    nodeOf('Transpose', ['c'], ['c0'], { perm: [1, 0, 2] }),
    nodeOf('LSTM', ['steps', ...inputs, 'h0', 'c0'], outputs, lstm),
    nodeOf('Transpose', ['inner'], ['own'], { perm: turned }),
  ]
  const count = output === 0 ? T * 2 * H : 2 * H
  return graphOf({
    opset: 17,
    inputs: { x: ['N', T, I] },
    outputs: ['scores'],
    initializers: {
      W: draw('W', 2, 4 * H, I),
      R: draw('R', 2, 4 * H, H),
      B: draw('B', 2, 8 * H),
      F: draw('F', count, K),
      start: draw('start', 1, 2, H),
      first: list(0),
      last: list(2, H),
    },
    nodes: [
      nodeOf('Shape', ['x'], ['shape']),
      nodeOf('Gather', ['shape', 'first'], ['batch']),
      nodeOf('Concat', ['batch', 'last'], ['wide'], { axis: 0 }),
      nodeOf('Expand', ['start', 'wide'], ['h']),
      nodeOf('Neg', ['h'], ['c']),
      ...(isWritten ? written : plain),
      nodeOf('Flatten', ['own'], ['flat']),
      nodeOf('MatMul', ['flat', 'F'], ['scores']),
    ],
  })
}

it.each([0, 1, 2])('an LSTM that takes the batch first, output %i', async (output) => {
  const [own, written] = await Promise.all(
    [false, true].map(async (isWritten) => {
      const model = await prepareModel(batchFirst(output, isWritten), { sampleShape: [T, I] })
      const bounds = [-10, 10] as const
      const options = { loss: 'ce', norm: 'l2', targeted: false, bounds } as const
      const session = await Session.open(encodeModel(compileStep(model, options).graph))
      const rng = createRng('point')
      const x = samples(Float32Array.from({ length: N * T * I }, () => rng.normal()))
      const step = { step_size: number(0.1), epsilon: number(1) }
      const run = await session.run({ [model.input]: x, labels, x, ...step })
      await session.close()
      return Array.from(run['x_next']!.data as Float32Array)
    }),
  )
  const errors = own!.map((value, k) => Math.abs(value - written![k]!))
  expect(Math.max(...errors)).toBeLessThan(1e-6)
})

it('an LSTM classifier: a step goes where the loss grows', async () => {
  const model = await prepareModel(classifier(), { sampleShape: [T, I] })
  expect(model).toMatchObject({ classes: K, batch: null })
  const ops = new Set(model.graph.nodes.map(({ op }) => op))
  expect(ops).not.toContain('LSTM')
  // The initial zeros are known to be zeros: no shape is computed, none has to be proved.
  expect(ops).not.toContain('ConstantOfShape')

  const bounds = [-10, 10] as const
  const options = { loss: 'ce', norm: 'l2', targeted: false, bounds } as const
  const step = await Session.open(encodeModel(compileStep(model, options).graph))
  const forward = await Session.open(encodeModel(classifier()))
  try {
    const rng = createRng('point')
    const x = Float32Array.from({ length: N * T * I }, () => rng.normal())
    const size = 1e-2
    const fed = { [model.input]: samples(x), labels, x: samples(x) }
    const run = await step.run({ ...fed, step_size: number(size), epsilon: number(1) })
    const moved = run['x_next']!.data as Float32Array

    const losses = async (at: Float32Array): Promise<number[]> => {
      const out = await forward.run({ x: samples(at) })
      return crossEntropies(out['scores']!.data as Float32Array)
    }
    const before = await losses(x)
    before.forEach((loss, n) => expect(Number(run['loss']!.data[n])).toBeCloseTo(loss, 5))

    // The step is `size` along the gradient of each sample: the loss grows by size·‖gradient‖ to first order, which
    // differences along each axis give independently.
    const after = await losses(moved)
    const norms = await gradientNorms(x, losses)
    after.forEach((loss, n) => {
      const growth = (loss - before[n]!) / size
      expect(Math.abs(growth - norms[n]!) / norms[n]!).toBeLessThan(0.02)
    })
  } finally {
    await step.close()
    await forward.close()
  }
})

function crossEntropies(scores: Float32Array): number[] {
  return Array.from({ length: N }, (_, n) => {
    const row = Array.from(scores.subarray(n * K, (n + 1) * K))
    return Math.log(row.reduce((sum, score) => sum + Math.exp(score), 0)) - row[n]!
  })
}

/** By central differences, of all samples at once. */
async function gradientNorms(
  x: Float32Array,
  losses: (at: Float32Array) => Promise<number[]>,
): Promise<number[]> {
  const width = T * I
  const squares = Array.from({ length: N }, () => 0)
  const h = 1e-2
  for (let k = 0; k < width; k++) {
    const at = async (by: number): Promise<number[]> =>
      losses(x.map((value, i) => (i % width === k ? value + by : value)))
    const [up, down] = [await at(h), await at(-h)]
    up.forEach((loss, n) => (squares[n]! += ((loss - down[n]!) / (2 * h)) ** 2))
  }
  return squares.map(Math.sqrt)
}
