import { GraphBuilder } from '../../src/graph/builder.js'
import type { Graph, Tensor } from '../../src/graph/ir.js'
import { elementCount, tensorOfFloats } from '../../src/graph/tensor.js'
import { createRng } from '../../src/util/rng.js'

/** Convolutions with 3 × 3 taps: (M, C, 3, 3). 28 × 28 → 28 → 14 → 7 → 4. */
const convolutions = [
  { name: 'conv1', weight: [16, 1, 3, 3], stride: 1 },
  { name: 'conv2', weight: [32, 16, 3, 3], stride: 2 },
  { name: 'conv3', weight: [32, 32, 3, 3], stride: 2 },
  { name: 'conv4', weight: [48, 32, 3, 3], stride: 2 },
] as const
/** Fully connected layers: (out, in). 768 = 48 × 4 × 4. */
const dense = [
  { name: 'fc1', weight: [32, 768] },
  { name: 'fc2', weight: [10, 32] },
] as const
const layers = [...convolutions, ...dense]

/** Every weight of the demo's network, by the name of its initializer: 52 858 numbers, 212 KB as a file. */
export const demoParameters: readonly string[] = layers.flatMap(({ name }) => [
  `${name}.weight`,
  `${name}.bias`,
])

/**
 * The demo's network, untrained: input `image` float32 (N, 1, 28, 28) in [0, 1], output `logits` (N, 10).
 * Weights are normal with variance 2 / fan-in, biases zero.
 * Source: He et al. 2015, arXiv:1502.01852, eq. (10).
 */
export function demoNetwork(seed: number): Graph {
  const initializers: Record<string, Tensor> = {}
  for (const { name, weight } of layers) {
    const spread = Math.sqrt(2 / elementCount(weight.slice(1)))
    const rng = createRng('demo', seed, name)
    const values = Array.from({ length: elementCount(weight) }, () => spread * rng.normal())
    initializers[`${name}.weight`] = tensorOfFloats(weight, values)
    initializers[`${name}.bias`] = tensorOfFloats([weight[0]], new Float32Array(weight[0]))
  }
  const image = { name: 'image', dtype: 'float32', dims: ['N', 1, 28, 28] } as const
  const g = new GraphBuilder({
    name: 'glyphs',
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [image],
    outputs: [],
    initializers,
    nodes: [],
  })
  const relu = (value: string): string => g.emit('Relu', [value], {}, { name: `${value}.relu` })
  let value = image.name as string
  for (const { name, stride } of convolutions) {
    const attrs = { kernel_shape: [3, 3], strides: [stride, stride], pads: [1, 1, 1, 1] }
    value = relu(g.emit('Conv', [value, `${name}.weight`, `${name}.bias`], attrs, { name }))
  }
  const flat = g.emit('Flatten', [value], { axis: 1 }, { name: 'flat' })
  const gemm = (input: string, layer: string, name: string): string =>
    g.emit('Gemm', [input, `${layer}.weight`, `${layer}.bias`], { transB: 1 }, { name })
  const logits = gemm(relu(gemm(flat, 'fc1', 'fc1')), 'fc2', 'logits')
  return g.finish([image], [{ name: logits, dtype: 'float32', dims: ['N', 10] }])
}
