import { describe, expect, it } from 'vitest'
import type { Attr, Graph, Node } from '../../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { compileStep } from '../../../src/step/compile.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session } from '../../../src/runtime/session.js'
import { float, floats, graphOf, nodeOf } from '../../helpers/graphs.js'
import {
  floatsFeed,
  gradientError,
  noiseOf,
  openModel,
  runGraph,
  samplesOf,
} from '../../helpers/networks.js'

const shape = [2, 6, 6] as const

/** `Op` with its parameters as attributes up to the version before `since`, as constant inputs from it on. */
function either(
  opset: number,
  since: number,
  node: {
    op: string
    x: string
    y: string
    outputs?: string[]
    attrs?: Record<string, number | string | Attr>
  },
  name: string,
  values: readonly number[],
): Node {
  const outputs = node.outputs ?? [node.y]
  return opset < since
    ? nodeOf(node.op, [node.x], outputs, { ...node.attrs, [name]: values })
    : nodeOf(node.op, [node.x, `${node.y}_${name}`], outputs, node.attrs)
}

/** One network in the forms of each opset: what moved from attributes to inputs, and the old Softmax. */
function networkAt(opset: number): Graph {
  const constants = {
    padded_pads: tensorOfInts([8], [0, 0, 1, 1, 0, 0, 1, 1]),
    cut_starts: tensorOfInts([1], [1]),
    cut_ends: tensorOfInts([1], [7]),
    cut_axes: tensorOfInts([1], [2]),
    halves_split: tensorOfInts([2], [1, 3]),
    squeezed_axes: tensorOfInts([2], [2, 3]),
    wide_axes: tensorOfInts([1], [2]),
    summed_axes: tensorOfInts([1], [2]),
    low: tensorOfFloats([], [-3]),
    high: tensorOfFloats([], [3]),
    flat_shape: tensorOfInts([2], [0, 4]),
  }
  const clip =
    opset < 11
      ? nodeOf('Clip', ['joined'], ['clipped'], { min: float(-3), max: float(3) })
      : nodeOf('Clip', ['joined', 'low', 'high'], ['clipped'])
  const cut =
    opset < 10
      ? nodeOf('Slice', ['padded'], ['cut'], { starts: [1], ends: [7], axes: [2] })
      : nodeOf('Slice', ['padded', 'cut_starts', 'cut_ends', 'cut_axes'], ['cut'])
  const pad =
    opset < 11
      ? nodeOf('Pad', ['x'], ['padded'], { pads: [0, 0, 1, 1, 0, 0, 1, 1] })
      : nodeOf('Pad', ['x', 'padded_pads'], ['padded'])
  const batchNorm = nodeOf(
    'BatchNormalization',
    ['conv', 'scale', 'shift', 'mean', 'variance'],
    ['bn'],
  )
  return graphOf({
    opset,
    inputs: { x: [1, ...shape] },
    outputs: ['p'],
    initializers: {
      ...constants,
      w: noiseOf([4, 2, 3, 3], 0.4),
      b: noiseOf([4], 0.1),
      scale: tensorOfFloats([4], [1, 0.5, 2, 1]),
      shift: tensorOfFloats([4], [0, 0.1, -0.1, 0]),
      mean: tensorOfFloats([4], [0.1, 0, 0, -0.1]),
      variance: tensorOfFloats([4], [1, 0.5, 2, 1]),
      out: noiseOf([4, 3], 1),
      out_b: noiseOf([3], 0.1),
    },
    nodes: [
      pad,
      cut,
      nodeOf('Conv', ['cut', 'w', 'b'], ['conv'], { kernel_shape: [3, 3], strides: [1, 1] }),
      batchNorm,
      nodeOf('LeakyRelu', ['bn'], ['leaky'], { alpha: float(0.1) }),
      either(
        opset,
        13,
        { op: 'Split', x: 'leaky', y: 'halves', outputs: ['h1', 'h3'], attrs: { axis: 1 } },
        'split',
        [1, 3],
      ),
      nodeOf('Concat', ['h3', 'h1'], ['joined'], { axis: 1 }),
      clip,
      nodeOf('GlobalAveragePool', ['clipped'], ['pooled']),
      either(opset, 13, { op: 'Squeeze', x: 'pooled', y: 'squeezed' }, 'axes', [2, 3]),
      either(opset, 13, { op: 'Unsqueeze', x: 'squeezed', y: 'wide' }, 'axes', [2]),
      either(
        opset,
        13,
        { op: 'ReduceSum', x: 'wide', y: 'summed', attrs: { keepdims: 0 } },
        'axes',
        [2],
      ),
      nodeOf('Gemm', ['summed', 'out', 'out_b'], ['y']),
      nodeOf('Softmax', ['y'], ['p'], { axis: 1 }),
    ],
  })
}

describe.each([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23])(
  'opset %i',
  (opset) => {
    it('is prepared, judged by its own graph and differentiated', async () => {
      const graph = networkAt(opset)
      const model = await openModel(graph, {
        sampleShape: shape,
        mean: [0.5, 0.4],
        std: [0.5, 0.25],
      })
      expect(model.prepared).toMatchObject({ classes: 3, batch: null, head: 'softmax', notes: [] })
      const x = samplesOf(3, shape)
      const seen = x.map((value, i) => {
        const c = Math.floor(i / 36) % 2
        return (value - [0.5, 0.4][c]!) / [0.5, 0.25][c]!
      })
      const scores = await model.scores(x, 3, 3)
      for (let i = 0; i < 3; i++) {
        const one = floatsFeed([1, ...shape], seen.subarray(i * 72, (i + 1) * 72))
        const { p } = await runGraph(graph, { x: one })
        for (let k = 0; k < 3; k++) expect(scores[i * 3 + k]).toBeCloseTo(Number(p!.data[k]), 5)
      }
      for (const loss of ['ce', 'margin', 'dlr'] as const)
        expect(await gradientError(model.prepared, { loss }), loss).toBeLessThan(0.01)
      await model.close()
    })
  },
)

it('steps of every norm open in ONNX Runtime from an old graph', async () => {
  const model = await prepareModel(networkAt(7))
  for (const norm of ['linf', 'l2', 'l1'] as const) {
    const { graph } = compileStep(model, { loss: 'ce', norm, targeted: true, bounds: [0, 1] })
    const session = await Session.open(encodeModel(graph))
    expect(session.outputs).toEqual(['x_next', 'logits', 'loss'])
    await session.close()
  }
})

it.each([6, 24, 99])('opset %i is refused in one line', async (opset) => {
  await expect(prepareModel(networkAt(opset))).rejects.toMatchObject({
    exitCode: 2,
    message: expect.not.stringContaining('\n'),
  })
})

it('the old Softmax over all trailing axes is understood', async () => {
  const graph = graphOf({
    opset: 9,
    inputs: { x: ['N', 4] },
    initializers: { w: noiseOf([4, 3]), cube: tensorOfInts([4], [0, 3, 1, 1]) },
    nodes: [
      nodeOf('MatMul', ['x', 'w'], ['z']),
      nodeOf('Reshape', ['z', 'cube'], ['r']),
      // Before opset 13: softmax of the flattened (N, 3·1·1).
      nodeOf('Softmax', ['r'], ['y']),
    ],
  })
  const model = await prepareModel(graph)
  expect(model).toMatchObject({ head: 'softmax', classes: 3 })
  expect(await gradientError(model, { loss: 'ce' })).toBeLessThan(0.01)
})

it('Upsample and the old Dropout stand for what they were', async () => {
  const graph = graphOf({
    opset: 7,
    inputs: { x: [1, 1, 3, 3] },
    initializers: { w: noiseOf([36, 3], 0.4), flat: tensorOfInts([2], [1, -1]) },
    nodes: [
      nodeOf('Upsample', ['x'], ['up'], { mode: 'nearest', scales: floats(1, 1, 2, 2) }),
      nodeOf('Dropout', ['up'], ['kept'], { ratio: float(0.5) }),
      nodeOf('Reshape', ['kept', 'flat'], ['f']),
      nodeOf('MatMul', ['f', 'w'], ['y']),
    ],
  })
  const model = await openModel(graph)
  expect(model.prepared).toMatchObject({ classes: 3, batch: null, notes: [] })
  const x = samplesOf(2, [1, 3, 3])
  const scores = await model.scores(x, 2, 2)
  const { y } = await runGraph(graph, { x: floatsFeed([1, 1, 3, 3], x.subarray(0, 9)) })
  for (let k = 0; k < 3; k++) expect(scores[k]).toBeCloseTo(Number(y!.data[k]), 5)
  await model.close()
})
