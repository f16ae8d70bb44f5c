import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { drawGlyphs } from '../../src/data/glyphs.js'
import type { Graph, Node, Tensor } from '../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../src/graph/tensor.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { createRng } from '../../src/util/rng.js'
import { nodeOf } from './graphs.js'
import { linearOf } from './networks.js'

/** Small classifiers of the built-in glyphs: input `image` (N, 1, 28, 28), output `logits` (N, 10). */

const pixels = 28 * 28
const classes = 10
/** Far from the first samples, which the tests attack. */
const trainingFrom = 100_000

export interface TinyOptions {
  readonly seed?: number
  /** Training samples; fewer make a worse model. */
  readonly training?: number
}

/** Least squares on the pixels. */
export async function linearModel({ training = 400 }: TinyOptions = {}): Promise<Uint8Array> {
  const { x, labels } = trainingSet(training)
  const { weight, bias } = ridge(x, pixels, labels, 30)
  return encodeModel(
    imageGraph({
      nodes: [
        nodeOf('Flatten', ['image'], ['flat']),
        nodeOf('Gemm', ['flat', 'w', 'b'], ['logits'], { transB: 1 }),
      ],
      initializers: {
        w: tensorOfFloats([classes, pixels], weight),
        b: tensorOfFloats([classes], bias),
      },
    }),
  )
}

export interface ConvOptions extends TinyOptions {
  /** Channels of the two layers; more of them make it slower. */
  readonly channels?: readonly [number, number]
}

/** Two random convolutions (Rahimi & Recht 2008: random features) and a layer of least squares on what they show. */
export async function convModel({
  seed = 1,
  training = 600,
  channels: [c1, c2] = [8, 12],
}: ConvOptions = {}): Promise<Uint8Array> {
  const side = 4
  const features = c2 * side * side
  const initializers: Record<string, Tensor> = {
    w1: randomTensor([c1, 1, 5, 5], seed, 'w1'),
    b1: randomTensor([c1], seed, 'b1'),
    w2: randomTensor([c2, c1, 3, 3], seed, 'w2'),
    b2: randomTensor([c2], seed, 'b2'),
  }
  const body: Node[] = [
    nodeOf('Conv', ['image', 'w1', 'b1'], ['c1'], { strides: [2, 2], pads: [2, 2, 2, 2] }),
    nodeOf('Relu', ['c1'], ['r1']),
    nodeOf('Conv', ['r1', 'w2', 'b2'], ['c2'], { strides: [1, 1], pads: [0, 0, 0, 0] }),
    nodeOf('Relu', ['c2'], ['r2']),
    nodeOf('AveragePool', ['r2'], ['p2'], { kernel_shape: [3, 3], strides: [3, 3] }),
    nodeOf('Flatten', ['p2'], ['features']),
  ]
  const { x, labels } = trainingSet(training)
  const shown = await run(
    encodeModel(imageGraph({ nodes: body, initializers, output: 'features' })),
    x,
    'features',
  )
  const { weight, bias } = ridge(shown, features, labels, 1e-3)
  return encodeModel(
    imageGraph({
      nodes: [...body, nodeOf('Gemm', ['features', 'w', 'b'], ['logits'], { transB: 1 })],
      initializers: {
        ...initializers,
        w: tensorOfFloats([classes, features], weight),
        b: tensorOfFloats([classes], bias),
      },
    }),
  )
}

/** Linear models, each with a peculiarity; most of them cannot be attacked. */
export const peculiarModels: Readonly<Record<string, () => Uint8Array>> = {
  /** One picture for a sample, not one score for a class. */
  'picture-output': () =>
    encodeModel(imageGraph({ nodes: [nodeOf('Relu', ['image'], ['logits'])], initializers: {} })),
  'two-inputs': () => {
    const graph = imageGraph({
      nodes: [
        nodeOf('Flatten', ['image'], ['flat']),
        nodeOf('Add', ['flat', 'offset'], ['sum']),
        nodeOf('Gemm', ['sum', 'w'], ['logits']),
      ],
      initializers: { w: randomTensor([pixels, classes], 1, 'w') },
    })
    const offset = { name: 'offset', dtype: 'float32' as const, dims: [1, pixels] }
    return encodeModel({ ...graph, inputs: [...graph.inputs, offset] })
  },
  /** Two classes: the DLR loss needs three. */
  'two-classes': () =>
    encodeModel(
      imageGraph({
        nodes: [nodeOf('Flatten', ['image'], ['flat']), nodeOf('Gemm', ['flat', 'w'], ['logits'])],
        initializers: { w: randomTensor([pixels, 2], 1, 'w') },
      }),
    ),
  'small-pictures': () =>
    encodeModel(linearOf([1, 14, 14], noiseRows(classes, 14 * 14), Array(classes).fill(0))),
  /** Det has no gradient rule. */
  'no-gradient': () =>
    encodeModel(
      imageGraph({
        nodes: [
          nodeOf('Det', ['image'], ['det']),
          nodeOf('Flatten', ['image'], ['flat']),
          nodeOf('Gemm', ['flat', 'w'], ['scores']),
          nodeOf('Reshape', ['det', 'column'], ['bias']),
          nodeOf('Add', ['scores', 'bias'], ['logits']),
        ],
        initializers: {
          w: randomTensor([pixels, classes], 1, 'w'),
          column: tensorOfInts([2], [-1, 1]),
        },
      }),
    ),
  /** Three channels: samples of another layout do not fit. */
  colour: () => {
    const graph = imageGraph({
      nodes: [nodeOf('Flatten', ['image'], ['flat']), nodeOf('Gemm', ['flat', 'w'], ['logits'])],
      initializers: { w: randomTensor([3 * pixels, classes], 1, 'w') },
    })
    const image = { name: 'image', dtype: 'float32' as const, dims: ['N', 3, 28, 28] }
    return encodeModel({ ...graph, inputs: [image] })
  },
  /** Weights in a file above the model's own folder. */
  'escaping-data': () =>
    encodeModel(
      imageGraph({
        nodes: [nodeOf('Flatten', ['image'], ['flat']), nodeOf('Gemm', ['flat', 'w'], ['logits'])],
        initializers: { w: randomTensor([pixels, classes], 1, 'w') },
      }),
      { place: () => ({ location: '../secret.data', offset: 0, length: pixels * classes * 4 }) },
    ),
}

/** Logits of `n` samples by ONNX Runtime alone. */
export async function forward(model: Uint8Array, x: Float32Array): Promise<Float32Array> {
  return await run(model, x, 'logits')
}

async function run(model: Uint8Array, x: Float32Array, output: string): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 })
  try {
    const image = new OrtTensor('float32', x, [x.length / pixels, 1, 28, 28])
    const results = await session.run({ image })
    return results[output]!.data as Float32Array
  } finally {
    await session.release()
  }
}

function imageGraph(parts: {
  readonly nodes: readonly Node[]
  readonly initializers: Readonly<Record<string, Tensor>>
  readonly output?: string
}): Graph {
  const { nodes, initializers, output = 'logits' } = parts
  return {
    name: 'tiny',
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [{ name: 'image', dtype: 'float32', dims: ['N', 1, 28, 28] }],
    outputs: [{ name: output, dtype: 'float32', dims: null }],
    initializers,
    nodes,
  }
}

const noiseRows = (rows: number, width: number): number[][] => {
  const rng = createRng('rows')
  return Array.from({ length: rows }, () => Array.from({ length: width }, () => rng.normal()))
}

function trainingSet(count: number): { x: Float32Array; labels: Int32Array } {
  const { values, labels } = drawGlyphs({ count, seed: 1, from: trainingFrom })
  return { x: Float32Array.from(values, (value) => value / 255), labels }
}

/** Normal values of variance 1 / fan-in. */
function randomTensor(dims: readonly number[], seed: number, name: string): Tensor {
  const rng = createRng('tiny', seed, name)
  const fanIn = Math.max(
    1,
    dims.slice(1).reduce((a, b) => a * b, 1),
  )
  const count = dims.reduce((a, b) => a * b, 1)
  return tensorOfFloats(
    dims,
    Float32Array.from({ length: count }, () => rng.normal() / Math.sqrt(fanIn)),
  )
}

/**
 * Least squares to one-hot targets with a penalty: (AᵀA + λI) W = AᵀT, where A has a column of ones.
 *
 * @param x - (labels.length, width)
 * @returns weight (classes, width), bias (classes)
 */
function ridge(
  x: Float32Array,
  width: number,
  labels: Int32Array,
  lambda: number,
): { weight: Float32Array; bias: Float32Array } {
  const d = width + 1
  const normal = new Float64Array(d * d)
  const right = new Float64Array(d * classes)
  const row = new Float64Array(d)
  for (let i = 0; i < labels.length; i++) {
    for (let k = 0; k < width; k++) row[k] = x[i * width + k]!
    row[width] = 1
    for (let a = 0; a < d; a++) {
      right[a * classes + labels[i]!]! += row[a]!
      for (let b = 0; b <= a; b++) normal[a * d + b]! += row[a]! * row[b]!
    }
  }
  for (let a = 0; a < width; a++) normal[a * d + a]! += lambda
  factor(normal, d)
  const weight = new Float32Array(classes * width)
  const bias = new Float32Array(classes)
  for (let c = 0; c < classes; c++) {
    const solution = solve(
      normal,
      d,
      Float64Array.from({ length: d }, (_, a) => right[a * classes + c]!),
    )
    weight.set(solution.subarray(0, width), c * width)
    bias[c] = solution[width]!
  }
  return { weight, bias }
}

/** Cholesky, in place in the lower triangle. */
function factor(m: Float64Array, d: number): void {
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      let sum = m[i * d + j]!
      for (let k = 0; k < j; k++) sum -= m[i * d + k]! * m[j * d + k]!
      m[i * d + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / m[j * d + j]!
    }
}

function solve(l: Float64Array, d: number, b: Float64Array): Float64Array {
  for (let i = 0; i < d; i++) {
    for (let k = 0; k < i; k++) b[i]! -= l[i * d + k]! * b[k]!
    b[i]! /= l[i * d + i]!
  }
  for (let i = d - 1; i >= 0; i--) {
    for (let k = i + 1; k < d; k++) b[i]! -= l[k * d + i]! * b[k]!
    b[i]! /= l[i * d + i]!
  }
  return b
}
