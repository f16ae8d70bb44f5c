import { describe, expect, it } from 'vitest'
import type { Graph, Node, Tensor } from '../../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { float, graphOf, nodeOf } from '../../helpers/graphs.js'
import { gradientError, noiseOf } from '../../helpers/networks.js'

/** Collects nodes, with weights by need; every method returns the name of its value. */
class Net {
  readonly nodes: Node[] = []
  readonly initializers: Record<string, Tensor> = {}
  #count = 0

  add(op: string, inputs: readonly string[], attrs: Parameters<typeof nodeOf>[3] = {}): string {
    const name = `${op.toLowerCase()}${++this.#count}`
    this.nodes.push(nodeOf(op, inputs, [name], attrs))
    return name
  }

  many(op: string, inputs: readonly string[], count: number, attrs = {}): string[] {
    const names = Array.from({ length: count }, () => `${op.toLowerCase()}${++this.#count}`)
    this.nodes.push(nodeOf(op, inputs, names, attrs))
    return names
  }

  constant(tensor: Tensor): string {
    const name = `c${++this.#count}`
    this.initializers[name] = tensor
    return name
  }

  ints = (...values: number[]): string => this.constant(tensorOfInts([values.length], values))

  /** Weights that keep the variance. */
  weight(dims: readonly number[]): string {
    const fan = dims.slice(1).reduce((a, b) => a * b, 1)
    return this.constant(noiseOf(dims, Math.sqrt(2 / fan), this.#count))
  }

  conv(
    x: string,
    [m, c, k]: readonly [number, number, number],
    attrs: Parameters<typeof nodeOf>[3] = {},
  ): string {
    const inputs = [x, this.weight([m, c, k, k]), this.constant(noiseOf([m], 0.1, this.#count))]
    return this.add('Conv', inputs, { kernel_shape: [k, k], ...attrs })
  }

  batchNorm(x: string, c: number): string {
    const ones = Array.from({ length: c }, (_, i) => 0.5 + (i % 3) / 2)
    const [scale, variance] = [tensorOfFloats([c], ones), tensorOfFloats([c], ones)]
    const [shift, mean] = [noiseOf([c], 0.1, 's'), noiseOf([c], 0.1, 'm')]
    return this.add('BatchNormalization', [
      x,
      ...[scale, shift, mean, variance].map((t) => this.constant(t)),
    ])
  }

  finish(logits: string, tail?: 'Softmax'): Graph {
    const output = tail ? this.add(tail, [logits], { axis: 1 }) : logits
    return graphOf({
      opset: 17,
      inputs: { x: [1, 3, 16, 16] },
      outputs: [output],
      initializers: this.initializers,
      nodes: this.nodes,
    })
  }
}

/** Stem, a residual block with stride, a depthwise-separable block, a grouped one, pooling, a head. */
function torchvisionLike(): Graph {
  const n = new Net()
  const same = { pads: [1, 1, 1, 1] }
  let x = n.add('Relu', [n.batchNorm(n.conv('x', [8, 3, 3], same), 8)])
  x = n.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], ...same })
  // Residual, stride 2, with a projection on the short way.
  const left = n.batchNorm(
    n.conv(n.add('Relu', [n.conv(x, [8, 8, 3], { ...same, strides: [2, 2] })]), [8, 8, 3], same),
    8,
  )
  x = n.add('Relu', [n.add('Add', [left, n.conv(x, [8, 8, 1], { strides: [2, 2] })])])
  // Depthwise, then pointwise, Clip as ReLU6.
  const depth = n.batchNorm(n.conv(x, [8, 1, 3], { ...same, group: 8 }), 8)
  const six = n.add('Clip', [
    depth,
    n.constant(tensorOfFloats([], [0])),
    n.constant(tensorOfFloats([], [6])),
  ])
  x = n.conv(six, [12, 8, 1])
  // Grouped, beside average pooling, joined.
  const grouped = n.add('LeakyRelu', [n.conv(x, [12, 4, 3], { ...same, group: 3 })], {
    alpha: float(0.2),
  })
  const pooled = n.add('AveragePool', [x], { kernel_shape: [3, 3], strides: [1, 1], ...same })
  x = n.add('Concat', [grouped, pooled], { axis: 1 })
  // Squeeze-and-excitation.
  const squeeze = n.add('GlobalAveragePool', [x])
  const excite = n.add('Sigmoid', [
    n.conv(n.add('Tanh', [n.conv(squeeze, [6, 24, 1])]), [24, 6, 1]),
  ])
  x = n.add('Mul', [x, excite])
  x = n.add('Flatten', [n.add('GlobalAveragePool', [x])], { axis: 1 })
  const gemm = n.add('Gemm', [x, n.weight([10, 24]), n.constant(noiseOf([10], 0.1, 'b'))], {
    transB: 1,
  })
  return n.finish(gemm, 'Softmax')
}

/** Movement and reductions between two layers. */
function movementLike(): Graph {
  const n = new Net()
  let x = n.conv('x', [8, 3, 3], { strides: [2, 2], dilations: [1, 1], auto_pad: 'SAME_UPPER' })
  x = n.add('Pad', [x, n.ints(0, 0, 1, 0, 0, 0, 0, 1), n.constant(tensorOfFloats([], [0.5]))], {
    mode: 'constant',
  })
  x = n.add('Slice', [x, n.ints(0, 1), n.ints(8, 9), n.ints(2, 3), n.ints(2, 1)])
  const [a, b] = n.many('Split', [x, n.ints(3, 5)], 2, { axis: 1 }) as [string, string]
  const mean = n.add('ReduceMean', [b], { axes: [1], keepdims: 1 })
  x = n.add('Sub', [n.add('Tanh', [a]), n.add('Div', [mean, n.constant(tensorOfFloats([1], [2]))])])
  x = n.add('Transpose', [x], { perm: [0, 2, 3, 1] })
  x = n.add('Reshape', [x, n.ints(1, 4, 24)])
  x = n.add('MatMul', [x, n.weight([24, 6])])
  x = n.add('Unsqueeze', [x, n.ints(1)])
  x = n.add('Squeeze', [x, n.ints(1)])
  const most = n.add('ReduceMax', [x], { axes: [1], keepdims: 0 })
  const length = n.add('ReduceL2', [x], { axes: [1], keepdims: 0 })
  const total = n.add('ReduceSum', [n.add('Mul', [x, x]), n.ints(1)], { keepdims: 0 })
  const root = n.add('Sqrt', [n.add('Add', [total, n.constant(tensorOfFloats([], [1]))])])
  const softmax = n.add('ReduceSum', [n.add('Softmax', [x], { axis: 2 }), n.ints(1)], {
    keepdims: 0,
  })
  const all = n.add(
    'Concat',
    [most, length, root, softmax, n.add('Neg', [n.add('Exp', [n.add('Abs', [softmax])])])],
    { axis: -1 },
  )
  return n.finish(n.add('MatMul', [all, n.weight([30, 7])]))
}

/** Stride 2, half the size. */
function strided(k: number, group: number) {
  const pad = (k - 1) / 2
  return { pads: [pad, pad, pad, pad], strides: [2, 2], group }
}

/** Inverted bottlenecks with stride, after ReLU and HardSwish; one whose image another Conv reads as well. */
function mobileLike(): Graph {
  const n = new Net()
  let x = n.add('Relu', [n.conv('x', [16, 3, 1])])
  x = n.add('Relu', [n.conv(x, [32, 16, 1])])
  x = n.conv(n.add('Relu', [n.conv(x, [32, 1, 3], strided(3, 32))]), [8, 32, 1])
  x = n.add('HardSwish', [n.conv(x, [24, 8, 1])])
  x = n.conv(n.add('HardSwish', [n.conv(x, [24, 1, 5], strided(5, 24))]), [12, 24, 1])
  const short = n.conv(x, [24, 12, 1], { strides: [2, 2] })
  x = n.add('HardSigmoid', [n.conv(x, [24, 12, 1])], { alpha: float(0.3) })
  x = n.add('Add', [n.conv(x, [24, 1, 3], strided(3, 24)), short])
  x = n.add('Flatten', [n.add('GlobalAveragePool', [x])], { axis: 1 })
  return n.finish(n.add('MatMul', [x, n.weight([24, 10])]))
}

/** ONNX Runtime declares these pools larger than its kernels make them. */
function misdeclared(): Graph {
  const n = new Net()
  let x = n.conv('x', [6, 3, 1])
  const pool = { kernel_shape: [3, 3], strides: [3, 3], pads: [1, 1, 1, 1], ceil_mode: 1 }
  const most = n.add('GlobalAveragePool', [n.add('MaxPool', [x], pool)])
  const mean = n.add('GlobalAveragePool', [n.add('AveragePool', [x], pool)])
  x = n.add('Flatten', [n.add('Concat', [most, mean], { axis: 1 })], { axis: 1 })
  return n.finish(n.add('MatMul', [x, n.weight([12, 10])]))
}

describe.each([
  ['an ordinary convolutional network', torchvisionLike(), 10],
  ['a mobile network', mobileLike(), 10],
  ['pools whose last window lies beyond the image', misdeclared(), 10],
  ['a network of movement and reductions', movementLike(), 7],
] as const)('%s', (_, graph, classes) => {
  it.each(['ce', 'margin', 'dlr'] as const)('has the gradient of its %s loss', async (loss) => {
    const model = await prepareModel(graph, { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] })
    expect(model).toMatchObject({ classes, batch: null, notes: [] })
    expect(await gradientError(model, { loss })).toBeLessThan(0.01)
  })
})
