import { describe, expect, it } from 'vitest'
import type { Attr, Graph, Node, Tensor } from '../../../src/graph/ir.js'
import { attackedInput } from '../../../src/graph/passes/preprocess.js'
import {
  elementCount,
  floats,
  ints,
  tensorOfFloats,
  tensorOfInts,
} from '../../../src/graph/tensor.js'
import { prepareModel, type PreparedModel } from '../../../src/model/prepare.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { compileGradient, compileStep } from '../../../src/step/compile.js'
import { freeDifferentiable } from '../../../src/step/train.js'
import { createRng } from '../../../src/util/rng.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'

type Attrs = Readonly<Record<string, number | string | readonly number[] | Attr>>

/** A network under construction; every layer draws its weights. */
class Sketch {
  readonly nodes: Node[] = []
  readonly initializers: Record<string, Tensor> = {}
  readonly #rng = createRng('forms')

  constant(dims: readonly number[], scale = 1): string {
    const name = `c${Object.keys(this.initializers).length}`
    const values = Array.from({ length: elementCount(dims) }, () => scale * this.#rng.normal())
    this.initializers[name] = tensorOfFloats(dims, values)
    return name
  }

  ints(...values: number[]): string {
    const name = `c${Object.keys(this.initializers).length}`
    this.initializers[name] = tensorOfInts([values.length], values)
    return name
  }

  emit(op: string, inputs: readonly string[], attrs: Attrs = {}): string {
    const name = `v${this.nodes.length}`
    this.nodes.push(nodeOf(op, inputs, [name], attrs))
    return name
  }

  conv(
    x: string,
    [M, C, ...taps]: readonly [number, number, ...number[]],
    attrs: Attrs = {},
  ): string {
    const scale = 1 / Math.sqrt(C * elementCount(taps))
    return this.emit(
      'Conv',
      [x, this.constant([M, C, ...taps], scale), this.constant([M], 0.1)],
      attrs,
    )
  }

  relu(x: string): string {
    return this.emit('Relu', [x])
  }

  number(value: number): string {
    const name = `c${Object.keys(this.initializers).length}`
    this.initializers[name] = tensorOfFloats([], [value])
    return name
  }

  times(x: string, factor: number): string {
    return this.emit('Mul', [x, this.number(factor)])
  }
}

type Join = (s: Sketch, x: string, onePlusErf: string) => string

interface Case {
  readonly label: string
  readonly sample: readonly number[]
  /** @returns features of which 4 logits are made */
  readonly build: (s: Sketch, x: string) => string
  readonly features: number
  readonly mean?: readonly number[]
  readonly std?: readonly number[]
  /** Operators the compiled graph must do without, or must contain. */
  readonly without?: readonly string[]
  readonly contains?: readonly string[]
}

const half: Attrs = { strides: [2, 2], pads: [1, 1, 1, 1] }
const same: Attrs = { pads: [1, 1, 1, 1] }
const noSpread = ['DepthToSpace', 'ConvTranspose']

/** A residual block with a strided shortcut, as in the networks of the ResNet family. */
function block(s: Sketch, x: string, from: number, to: number, attrs: Attrs = half): string {
  const a = s.relu(s.conv(x, [to, from, 3, 3], attrs))
  const shortcut = s.conv(x, [to, from, 1, 1], { strides: [2, 2] })
  return s.relu(s.emit('Add', [s.conv(a, [to, to, 3, 3], same), shortcut]))
}

const cases: readonly Case[] = [
  {
    label: 'a strided stem and two residual blocks',
    sample: [3, 16, 16],
    features: 16 * 4,
    build: (s, x) => block(s, block(s, s.relu(s.conv(x, [8, 3, 3, 3], half)), 8, 16), 16, 16),
    mean: [0.5, 0.4, 0.3],
    std: [0.2, 0.3, 0.25],
    without: [...noSpread, 'Div'],
    contains: ['Gemm'],
  },
  {
    label: 'blocks of 16 channels, whose gradients enter the blocked layout',
    sample: [16, 8, 8],
    features: 16 * 4,
    build: (s, x) => block(s, block(s, s.relu(s.conv(x, [16, 16, 3, 3], same)), 16, 16), 16, 16),
    without: noSpread,
    contains: ['AveragePool'],
  },
  {
    label: 'an odd size, where the sums are cut before they meet',
    sample: [2, 15, 13],
    features: 16 * 4 * 4,
    build: (s, x) => block(s, s.relu(s.conv(x, [16, 2, 3, 3], half)), 16, 16),
    without: noSpread,
  },
  {
    label: 'an identity shortcut behind a strided block',
    sample: [16, 8, 8],
    features: 16 * 4,
    build: (s, x) => {
      const a = s.relu(s.conv(x, [16, 16, 3, 3], same))
      const b = s.relu(s.emit('Add', [s.conv(a, [16, 16, 3, 3], same), a]))
      return block(s, block(s, b, 16, 16), 16, 16)
    },
    without: noSpread,
  },
  {
    label: 'bottlenecks, whose shortcut reaches one pixel in four',
    sample: [3, 16, 14],
    features: 32 * 4 * 4,
    build: (s, x) => {
      const bottleneck = (y: string, from: number, to: number): string => {
        const a = s.relu(s.conv(y, [8, from, 1, 1]))
        const b = s.conv(s.relu(s.conv(a, [8, 8, 3, 3], half)), [to, 8, 1, 1])
        return s.relu(s.emit('Add', [b, s.conv(y, [to, from, 1, 1], { strides: [2, 2] })]))
      }
      return bottleneck(bottleneck(s.relu(s.conv(x, [16, 3, 3, 3], same)), 16, 32), 32, 32)
    },
    without: noSpread,
    contains: ['Pad'],
  },
  {
    label: 'many channels, where each phase has a convolution of its own',
    sample: [3, 8, 8],
    features: 128 * 2 * 2,
    build: (s, x) => block(s, s.relu(s.conv(x, [16, 3, 3, 3], half)), 16, 128),
    without: noSpread,
  },
  {
    label: '4×4 kernels with stride 2, padded and not',
    sample: [3, 12, 12],
    features: 8 * 4,
    build: (s, x) => {
      const a = s.relu(s.conv(x, [8, 3, 4, 4], half))
      return s.relu(s.conv(a, [8, 8, 4, 4], { strides: [2, 2] }))
    },
    without: noSpread,
  },
  {
    label: 'stride 3 and a kernel it jumps over',
    sample: [1, 17, 18],
    features: 5 * 4,
    build: (s, x) => {
      const a = s.relu(s.conv(x, [4, 1, 5, 5], { strides: [3, 3], pads: [2, 1, 2, 2] }))
      return s.relu(s.conv(a, [5, 4, 2, 2], { strides: [3, 3] }))
    },
    without: noSpread,
  },
  {
    label: 'a stride without an activation behind it',
    sample: [8, 8, 8],
    features: 8 * 4,
    build: (s, x) => s.conv(s.conv(x, [8, 8, 3, 3], half), [8, 8, 3, 3], half),
    without: noSpread,
  },
  {
    label: 'three strided branches that end in one sum',
    sample: [8, 6, 6],
    features: 8 * 9,
    build: (s, x) => {
      const a = s.relu(s.conv(x, [8, 8, 1, 1]))
      const branches = [3, 1, 2].map((k) => {
        const attrs = { strides: [2, 2], pads: k === 3 ? [1, 1, 1, 1] : [0, 0, 0, 0] }
        return s.conv(a, [8, 8, k, k], attrs)
      })
      return s.relu(s.emit('Sum', branches))
    },
    without: noSpread,
  },
  {
    label: 'a network behind NHWC',
    sample: [3, 8, 8],
    features: 8 * 16,
    build: (s, x) => {
      const a = s.relu(s.conv(x, [8, 3, 3, 3], half))
      return s.emit('Transpose', [a], { perm: [0, 2, 3, 1] })
    },
    without: noSpread,
  },
  {
    label:
      'HardSwish, taken apart by ONNX Runtime and recognised, in the blocked layout and outside',
    sample: [3, 8, 8],
    features: 5 * 8 * 8,
    build: (s, x) => {
      const a = s.emit('HardSwish', [s.conv(x, [16, 3, 3, 3], same)])
      return s.emit('HardSwish', [s.conv(a, [5, 16, 3, 3], same)])
    },
    contains: ['HardSwish'],
  },
  ...[
    ['x · (1 + erf) · ½', (s: Sketch, x: string, a: string) => s.times(s.emit('Mul', [x, a]), 0.5)],
    [
      'x · (½ · (1 + erf))',
      (s: Sketch, x: string, a: string) => s.emit('Mul', [x, s.times(a, 0.5)]),
    ],
    ['½ · x · (1 + erf)', (s: Sketch, x: string, a: string) => s.emit('Mul', [a, s.times(x, 0.5)])],
  ].map(([form, join]): Case => ({
    label: `GELU as ${form as string}`,
    sample: [2, 6, 6],
    features: 4 * 6 * 6,
    build: (s, x) => {
      const h = s.conv(x, [4, 2, 3, 3], same)
      const erf = s.emit('Erf', [s.times(h, Math.SQRT1_2)])
      return (join as Join)(s, h, s.emit('Add', [erf, s.number(1)]))
    },
    contains: ['HardSigmoid', 'Exp'],
  })),
  {
    label: 'what only looks like a GELU',
    sample: [2, 6, 6],
    features: 4 * 6 * 6,
    build: (s, x) => {
      const h = s.conv(x, [4, 2, 3, 3], same)
      const erf = s.emit('Erf', [s.times(h, Math.SQRT1_2)])
      const sum = s.emit('Add', [erf, s.number(1)])
      return s.times(s.emit('Mul', [s.emit('Mul', [h, sum]), erf]), 0.5)
    },
    without: ['HardSigmoid', 'Gelu'],
  },
  {
    label: 'images of few pixels',
    sample: [2, 4, 2],
    features: 5 * 2,
    build: (s, x) => {
      const a = s.relu(s.conv(x, [6, 2, 3, 2], { pads: [1, 0, 0, 0] }))
      const b = s.relu(s.conv(a, [5, 6, 2, 1], { pads: [0, 0, 1, 0], dilations: [2, 1] }))
      return s.relu(s.conv(b, [5, 5, 3, 3], same))
    },
    contains: ['Gemm'],
  },
  {
    label: 'groups, dilation and one-sided padding',
    sample: [4, 9, 9],
    features: 8 * 25,
    build: (s, x) => {
      const a = s.relu(s.conv(x, [8, 2, 3, 3], { group: 2, pads: [0, 1, 2, 1] }))
      return s.relu(
        s.conv(a, [8, 8, 3, 3], { strides: [2, 2], dilations: [2, 2], pads: [2, 2, 2, 2] }),
      )
    },
    mean: [0.5],
    std: [2],
  },
  {
    label: 'a mean that an unpadded, grouped Conv takes in',
    sample: [4, 6, 6],
    features: 8 * 16,
    build: (s, x) => s.relu(s.conv(x, [8, 2, 3, 3], { group: 2 })),
    mean: [0.1, 0.2, 0.3, 0.4],
    std: [1, 2, 3, 4],
    without: ['Div'],
  },
]

async function prepare(test: Case): Promise<PreparedModel> {
  const s = new Sketch()
  const image = test.build(s, 'x')
  const flat = s.emit('Reshape', [image, s.ints(-1, test.features)])
  const logits = s.emit('Gemm', [flat, s.constant([test.features, 4], 0.3), s.constant([4])])
  const graph = graphOf({
    inputs: { x: ['N', ...test.sample] },
    initializers: s.initializers,
    nodes: s.nodes,
    outputs: [logits],
  })
  return prepareModel(graph, { sampleShape: test.sample, mean: test.mean, std: test.std })
}

/** Every float constant of a Conv: fed instead of fixed, it is differentiated in its plain form. */
const convWeights = ({ graph }: PreparedModel): string[] => [
  ...new Set(graph.nodes.flatMap((node) => (node.op === 'Conv' ? node.inputs.slice(1, 2) : []))),
]

async function run(
  graph: Graph,
  feeds: Record<string, Feed>,
): Promise<Record<string, Float32Array>> {
  const session = await Session.open(encodeModel(graph))
  try {
    const outputs = await session.run(feeds)
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]),
    )
  } finally {
    await session.close()
  }
}

const ops = (graph: Graph): Set<string> => new Set(graph.nodes.map((node) => node.op))

describe.each(cases)('$label', (test) => {
  const n = 3
  const rng = createRng('sample', test.label)
  const data = Float32Array.from({ length: n * elementCount(test.sample) }, () => rng.uniform())
  const images = (values: Float32Array): Feed => ({
    dtype: 'float32',
    dims: [n, ...test.sample],
    data: values,
  })
  const feeds = {
    [attackedInput]: images(data),
    labels: { dtype: 'int64', dims: [n], data: BigInt64Array.of(0n, 1n, 3n) },
  } as const

  it('has the gradient of the plain form', async () => {
    const model = await prepare(test)
    const options = { loss: 'ce', targeted: false } as const
    const fast = compileGradient(model, options).graph
    const weights = convWeights(model)
    const plain = compileGradient(freeDifferentiable(model, weights), options).graph
    const fed = Object.fromEntries(
      weights.map((name): [string, Feed] => {
        const tensor = model.graph.initializers[name]!
        return [name, { dtype: 'float32', dims: tensor.dims, data: floats(tensor) }]
      }),
    )
    const [a, b] = [await run(fast, feeds), await run(plain, { ...feeds, ...fed })]
    for (const name of ['logits', 'loss', 'gradient']) {
      const size = Math.max(...b[name]!.map(Math.abs))
      expect(size).toBeGreaterThan(1e-3)
      const error = Math.max(...a[name]!.map((value, k) => Math.abs(value - b[name]![k]!)))
      expect(error / size, name).toBeLessThan(1e-5)
    }
    for (const op of test.without ?? []) expect(ops(fast)).not.toContain(op)
    for (const op of test.contains ?? []) expect(ops(fast)).toContain(op)
  })

  it('moves by the sign of its gradient', async () => {
    const model = await prepare(test)
    const { gradient } = await run(
      compileGradient(model, { loss: 'margin', targeted: false }).graph,
      feeds,
    )
    const step = compileStep(model, {
      loss: 'margin',
      norm: 'linf',
      targeted: false,
      bounds: [0, 1],
    })
    const { x_next: next } = await run(step.graph, {
      ...feeds,
      lower: images(data.map((value) => Math.max(0, value - 0.03))),
      upper: images(data.map((value) => Math.min(1, value + 0.03))),
      step_size: { dtype: 'float32', dims: [], data: Float32Array.of(0.02) },
    })
    const largest = Math.max(...gradient!.map(Math.abs))
    gradient!.forEach((slope, k) => {
      // Where the gradient is rounding, two programs may round it to either side of 0.
      if (Math.abs(slope) < 1e-6 * largest && slope !== 0) return
      const expected = Math.min(1, Math.max(0, data[k]! + 0.02 * Math.sign(slope)))
      expect(next![k]).toBeCloseTo(expected, 6)
    })
  })
})

describe('the operators of the fast forms', () => {
  const residual = cases[1]!

  it('leave the shortcut no convolution of its own in the odd rows', async () => {
    const { graph } = compileGradient(await prepare(residual), { loss: 'ce', targeted: false })
    // Two row phases and the shortcut per block: three Convs; and two of stride 1 before each.
    const shapes = graph.nodes.flatMap((node) =>
      node.op === 'Conv' && node.inputs[1]!.includes('_phase')
        ? [graph.initializers[node.inputs[1]!]!.dims.join('×')]
        : [],
    )
    expect(shapes.toSorted()).toEqual([
      '32×16×1×1',
      '32×16×1×1',
      '32×16×1×2',
      '32×16×1×2',
      '32×16×2×2',
      '32×16×2×2',
    ])
  })

  it('compute no tap twice where there are many channels', async () => {
    const many = cases.find((one) => one.label.startsWith('many channels'))!
    const { graph } = compileGradient(await prepare(many), { loss: 'ce', targeted: false })
    const taps = graph.nodes.flatMap((node) => {
      const { dims } = graph.initializers[node.inputs[1] ?? ''] ?? { dims: [] }
      const isPhase = node.op === 'Conv' && node.inputs[1]!.includes('_phase') && dims[1] === 128
      return isPhase ? [dims[2]! * dims[3]!] : []
    })
    // The nine taps of 3×3 in four phases, and the one of the shortcut.
    expect(taps.toSorted((a, b) => a - b)).toEqual([1, 1, 2, 2, 4])
  })

  it('keep the batch free', async () => {
    const { graph } = compileGradient(await prepare(residual), { loss: 'ce', targeted: false })
    const targets = graph.nodes.flatMap((node) => {
      const tensor = node.op === 'Reshape' ? graph.initializers[node.inputs[1]!] : undefined
      return tensor ? [ints(tensor)[0]] : []
    })
    expect(targets.length).toBeGreaterThan(5)
    expect(new Set(targets)).toEqual(new Set([0]))
  })
})
