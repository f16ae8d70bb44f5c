import { GraphBuilder, type AttrInput } from '../../src/graph/builder.js'
import type { Graph, Tensor } from '../../src/graph/ir.js'
import { elementCount, tensorOfFloats } from '../../src/graph/tensor.js'
import { createRng } from '../../src/util/rng.js'

export interface SmallNetwork {
  readonly graph: Graph
  /** Names of its weights. */
  readonly parameters: readonly string[]
}

export interface SmallOptions {
  readonly shape: readonly number[]
  readonly classes: number
  readonly seed?: number
  readonly activation?: 'Relu' | 'Tanh'
  /** What follows the second convolution. Default `stride`. */
  readonly down?: 'stride' | 'MaxPool' | 'overlapping' | 'AveragePool'
  readonly width?: number
  readonly isNormalised?: boolean
  /** Groups of the second convolution. */
  readonly group?: number
}

/** An untrained classifier: two convolutions and two dense layers on images, dense layers alone on tables. */
export function smallNetwork(options: SmallOptions): SmallNetwork {
  const { shape, classes, seed = 0, activation = 'Relu', down = 'stride', width = 8 } = options
  const initializers: Record<string, Tensor> = {}
  const weight = (name: string, dims: readonly number[]): string => {
    const rng = createRng('small network', seed, name)
    const spread = Math.sqrt(2 / elementCount(dims.slice(1)))
    initializers[name] = tensorOfFloats(
      dims,
      Array.from({ length: elementCount(dims) }, () => spread * rng.normal()),
    )
    return name
  }
  const filled = (name: string, dims: readonly number[], value = 0): string => {
    initializers[name] = tensorOfFloats(dims, new Float32Array(elementCount(dims)).fill(value))
    return name
  }
  const nodes: [op: string, inputs: string[], attrs: Record<string, AttrInput>][] = []
  const add = (op: string, inputs: string[], attrs: Record<string, AttrInput> = {}): void => {
    nodes.push([op, inputs, attrs])
  }
  let features = elementCount(shape)
  if (shape.length === 3) {
    const [channels, height, rows] = shape as [number, number, number]
    const pads = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }
    const { group = 1 } = options
    add('Conv', ['', weight('conv1.w', [width, channels, 3, 3]), filled('conv1.b', [width])], pads)
    if (options.isNormalised) {
      const [scale, bias] = [filled('bn.scale', [width], 1.1), filled('bn.bias', [width], 0.1)]
      const [mean, variance] = [filled('bn.mean', [width], 0.2), filled('bn.var', [width], 1.5)]
      add('BatchNormalization', ['', scale, bias, mean, variance])
    }
    add(activation, [''])
    const strides = down === 'stride' ? [2, 2] : [1, 1]
    const second = weight('conv2.w', [2 * width, width / group, 3, 3])
    add('Conv', ['', second, filled('conv2.b', [2 * width])], { ...pads, strides, group })
    add(activation, [''])
    const two = { kernel_shape: [2, 2], strides: [2, 2] }
    const three = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }
    if (down === 'overlapping') add('MaxPool', [''], three)
    else if (down !== 'stride') add(down, [''], two)
    features = 2 * width * Math.ceil(height / 2) * Math.ceil(rows / 2)
  }
  add('Flatten', [''], { axis: 1 })
  add('Gemm', ['', weight('fc1.w', [4 * width, features]), filled('fc1.b', [4 * width])], {
    transB: 1,
  })
  add(activation, [''])
  add('Gemm', ['', weight('fc2.w', [classes, 4 * width]), filled('fc2.b', [classes])], {
    transB: 1,
  })
  const image = { name: 'image', dtype: 'float32', dims: ['N', ...shape] } as const
  const base = { name: 'small', opsets: { '': 18 }, irVersion: 8, inputs: [image], outputs: [] }
  const g = new GraphBuilder({ ...base, initializers, nodes: [] })
  let value: string = image.name
  for (const [op, [, ...rest], attrs] of nodes) value = g.emit(op, [value, ...rest], attrs)
  const graph = g.finish([image], [{ name: value, dtype: 'float32', dims: ['N', classes] }])
  return { graph, parameters: Object.keys(initializers).filter(isTrained) }
}

const isTrained = (name: string): boolean => !['bn.mean', 'bn.var'].includes(name)
