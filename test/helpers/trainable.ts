import type { Graph, Node, Tensor } from '../../src/graph/ir.js'
import { tensorOfFloats } from '../../src/graph/tensor.js'
import { float, graphOf, nodeOf } from './graphs.js'
import { noiseOf } from './networks.js'

const constant = (value: number): Tensor => tensorOfFloats([8], new Float32Array(8).fill(value))

export interface NormalisedOptions {
  readonly seed?: number
  readonly opset?: number
  /** Puts a Dropout in front of the last layer. */
  readonly dropout?: number
}

/**
 * Conv → BatchNormalization → Relu → average of 4 × 4 → (Dropout) → linear, as an exporter writes it for inference:
 * input `image` (N, 1, 28, 28), output `logits` (N, 10).
 */
export function normalisedNetwork({
  seed = 1,
  opset = 18,
  dropout,
}: NormalisedOptions = {}): Graph {
  const ratio = dropout === undefined ? undefined : tensorOfFloats([], [dropout])
  const drop: Node[] =
    dropout === undefined
      ? []
      : opset < 12
        ? [nodeOf('Dropout', ['flat'], ['dropped'], { ratio: float(dropout) })]
        : [nodeOf('Dropout', ['flat', 'ratio'], ['dropped'])]
  return graphOf({
    opset,
    inputs: { image: ['N', 1, 28, 28] },
    outputs: ['logits'],
    initializers: {
      'conv.weight': noiseOf([8, 1, 3, 3], 0.4, seed, 'conv'),
      'norm.weight': constant(1),
      'norm.bias': constant(0),
      'norm.mean': constant(0.1),
      'norm.variance': constant(1.5),
      'dense.weight': noiseOf([10, 8 * 49], 0.05, seed, 'dense'),
      'dense.bias': tensorOfFloats([10], new Float32Array(10)),
      ...(ratio && opset >= 12 ? { ratio } : {}),
    },
    nodes: [
      nodeOf('Conv', ['image', 'conv.weight'], ['maps'], { pads: [1, 1, 1, 1] }),
      nodeOf(
        'BatchNormalization',
        ['maps', 'norm.weight', 'norm.bias', 'norm.mean', 'norm.variance'],
        ['normal'],
        { epsilon: float(1e-5), momentum: float(0.9) },
      ),
      nodeOf('Relu', ['normal'], ['active']),
      nodeOf('AveragePool', ['active'], ['pooled'], { kernel_shape: [4, 4], strides: [4, 4] }),
      nodeOf('Flatten', ['pooled'], ['flat']),
      ...drop,
      nodeOf('Gemm', [drop.length ? 'dropped' : 'flat', 'dense.weight', 'dense.bias'], ['logits'], {
        transB: 1,
      }),
    ],
  })
}
