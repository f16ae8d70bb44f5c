import { GraphBuilder } from '../../../graph/builder.js'
import type { Graph, Tensor } from '../../../graph/ir.js'
import { tensorOfFloats } from '../../../graph/tensor.js'
import { createRng } from '../../../util/rng.js'

export interface NetworkOptions {
  /** [C, H, W] with sides from 4: a convolutional network; anything else: fully connected layers. */
  readonly shape: readonly number[]
  readonly classes: number
  /** Of each channel, or of each value: what the first layer subtracts and divides by. */
  readonly mean: Float32Array
  readonly std: Float32Array
  readonly seed: string
}

const featureWidth = 64
const leastConvolutions = 2
/** Pictures are halved until no side is longer. */
const finalSide = 4

/**
 * A small classifier to look at data through. Pictures: convolutions with 3 × 3 taps, the first with stride 1, the others
 * with stride 2 until no side is longer than 4, whose outputs are the features: another layer behind them would bring
 * poison and its class together. Anything else: two layers of 64. Input `x` float32 (N, ...shape) in the data's units.
 * Weights are normal with variance 2 / fan-in (He et al. 2015, arXiv:1502.01852, eq. 10), biases zero.
 * @returns the graph and the names of what is trained in it
 */
export function auditNetwork(options: NetworkOptions): { graph: Graph; parameters: string[] } {
  const { shape, classes } = options
  const layers = layersOf(shape, classes)
  const input = { name: 'x', dtype: 'float32', dims: ['N', ...shape] } as const
  const g = new GraphBuilder({
    name: 'audit',
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [input],
    outputs: [],
    initializers: initialValues(layers, options),
    nodes: [],
  })
  let value = g.emit('Div', [g.emit('Sub', ['x', 'mean']), 'std'])
  let isFlat = false
  for (const { name, stride } of layers) {
    const inputs = (from: string): string[] => [from, `${name}.weight`, `${name}.bias`]
    if (stride > 0) {
      const attrs = { kernel_shape: [3, 3], strides: [stride, stride], pads: [1, 1, 1, 1] }
      value = g.emit('Conv', inputs(value), attrs)
    } else {
      if (!isFlat) value = g.emit('Flatten', [value], { axis: 1 })
      isFlat = true
      value = g.emit('Gemm', inputs(value), { transB: 1 })
    }
    if (name !== 'head') value = g.emit('Relu', [value])
  }
  const output = { name: value, dtype: 'float32', dims: ['N', classes] } as const
  const parameters = layers.flatMap(({ name }) => [`${name}.weight`, `${name}.bias`])
  return { graph: g.finish([input], [output]), parameters }
}

interface Layer {
  readonly name: string
  /** (out, in) or (out, in, 3, 3). */
  readonly dims: readonly [number, ...number[]]
  /** Of a convolution; 0: fully connected. */
  readonly stride: number
}

function layersOf(shape: readonly number[], classes: number): Layer[] {
  const size = shape.reduce((product, side) => product * side, 1)
  if (!isPicture(shape))
    return [
      { name: 'hidden', dims: [featureWidth, size], stride: 0 },
      { name: 'features', dims: [featureWidth, featureWidth], stride: 0 },
      { name: 'head', dims: [classes, featureWidth], stride: 0 },
    ]
  const [depth = 1, ...sides] = shape
  const convolutions: Layer[] = []
  let [from, left] = [depth, sides]
  while (convolutions.length < leastConvolutions || Math.max(...left) > finalSide) {
    const stride = convolutions.length === 0 ? 1 : 2
    const channels = convolutions.length === 0 ? 16 : 32
    convolutions.push({ name: `conv${convolutions.length}`, dims: [channels, from, 3, 3], stride })
    from = channels
    left = left.map((side) => Math.ceil(side / stride))
  }
  const width = left.reduce((product, side) => product * side, from)
  return [...convolutions, { name: 'head', dims: [classes, width], stride: 0 }]
}

function initialValues(layers: readonly Layer[], { shape, mean, std, seed }: NetworkOptions) {
  const statistics = shape.length === 3 ? [1, shape[0]!, 1, 1] : [1, ...shape]
  const out: Record<string, Tensor> = {
    mean: tensorOfFloats(statistics, mean),
    std: tensorOfFloats(statistics, std),
  }
  for (const { name, dims } of layers) {
    const fanIn = dims.slice(1).reduce((product, side) => product * side, 1)
    const spread = Math.sqrt(2 / fanIn)
    const rng = createRng('audit network', seed, name)
    const values = Float32Array.from({ length: fanIn * dims[0] }, () => spread * rng.normal())
    out[`${name}.weight`] = tensorOfFloats(dims, values)
    out[`${name}.bias`] = tensorOfFloats([dims[0]], new Float32Array(dims[0]))
  }
  return out
}

export const isPicture = (shape: readonly number[]): boolean =>
  shape.length === 3 && shape[1]! >= 4 && shape[2]! >= 4
