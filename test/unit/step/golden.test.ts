import { expect, it } from 'vitest'
import type { Graph, Node, Tensor } from '../../../src/graph/ir.js'
import { print } from '../../../src/graph/print.js'
import { elementCount, tensorOf, tensorOfFloats } from '../../../src/graph/tensor.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { compileStep } from '../../../src/step/compile.js'
import { createRng } from '../../../src/util/rng.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'

const rng = createRng('golden')
const weight = (...dims: number[]): Tensor =>
  tensorOfFloats(
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => rng.normal()),
  )
const scalar = (value: number): Tensor => tensorOf('float32', [], [value])

interface Case {
  readonly name: string
  readonly sampleShape: readonly number[]
  readonly initializers: Readonly<Record<string, Tensor>>
  readonly nodes: readonly Node[]
}

const cases: readonly Case[] = [
  {
    name: 'step-strided-conv',
    sampleShape: [3, 8, 8],
    initializers: {
      w: weight(16, 3, 3, 3),
      b: weight(16),
      v: weight(16, 16, 3, 3),
      f: weight(3, 64),
    },
    nodes: [
      nodeOf('Conv', ['x', 'w', 'b'], ['c'], { strides: [2, 2], pads: [1, 1, 1, 1] }),
      nodeOf('Relu', ['c'], ['r']),
      nodeOf('Conv', ['r', 'v'], ['d'], { strides: [2, 2], pads: [1, 1, 1, 1] }),
      nodeOf('Flatten', ['d'], ['e'], { axis: 1 }),
      nodeOf('Gemm', ['e', 'f'], ['y'], { transB: 1 }),
    ],
  },
  {
    name: 'step-gelu',
    sampleShape: [4],
    initializers: {
      w: weight(4, 4),
      v: weight(4, 3),
      s: scalar(Math.SQRT2),
      one: scalar(1),
      half: scalar(0.5),
    },
    nodes: [
      nodeOf('MatMul', ['x', 'w'], ['h']),
      nodeOf('Div', ['h', 's'], ['u']),
      nodeOf('Erf', ['u'], ['e']),
      nodeOf('Add', ['e', 'one'], ['a']),
      nodeOf('Mul', ['h', 'a'], ['m']),
      nodeOf('Mul', ['m', 'half'], ['g']),
      nodeOf('MatMul', ['g', 'v'], ['y']),
    ],
  },
  {
    name: 'step-gru',
    sampleShape: [2, 3],
    initializers: {
      W: weight(1, 12, 3),
      R: weight(1, 12, 4),
      f: weight(4, 3),
      axes: tensorOf('int64', [1], [0]),
    },
    nodes: [
      nodeOf('Transpose', ['x'], ['t'], { perm: [1, 0, 2] }),
      nodeOf('GRU', ['t', 'W', 'R'], ['', 'h'], { hidden_size: 4 }),
      nodeOf('Squeeze', ['h', 'axes'], ['q']),
      nodeOf('MatMul', ['q', 'f'], ['y']),
    ],
  },
  {
    name: 'step-depthwise',
    sampleShape: [3, 8, 8],
    initializers: {
      w: weight(16, 3, 1, 1),
      b: weight(16),
      v: weight(16, 1, 3, 3),
      f: weight(3, 256),
    },
    nodes: [
      nodeOf('Conv', ['x', 'w', 'b'], ['c']),
      nodeOf('Relu', ['c'], ['r']),
      nodeOf('Conv', ['r', 'v'], ['d'], { strides: [2, 2], pads: [1, 1, 1, 1], group: 16 }),
      nodeOf('Flatten', ['d'], ['e'], { axis: 1 }),
      nodeOf('Gemm', ['e', 'f'], ['y'], { transB: 1 }),
    ],
  },
]

it.each(cases)('$name', async ({ name, sampleShape, initializers, nodes }) => {
  const graph: Graph = graphOf({ inputs: { x: ['N', ...sampleShape] }, initializers, nodes })
  const model = await prepareModel(graph, { sampleShape })
  const options = { loss: 'ce', norm: 'linf', targeted: false, bounds: [0, 1] } as const
  const text = print(compileStep(model, options).graph)
  await expect(text).toMatchFileSnapshot(`../../golden/${name}.txt`)
})
