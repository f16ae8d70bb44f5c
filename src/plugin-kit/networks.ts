import { GraphBuilder } from '../graph/builder.js'
import type { Graph } from '../graph/ir.js'
import { elementCount, tensorOfFloats } from '../graph/tensor.js'
import { createRng } from '../util/rng.js'

/** Small classifiers (N, ...shape) → (N, classes) that attacks are tried on; the weights come from seeds. */

/** Flatten → Gemm → Relu → Gemm. */
export function smallNetwork(shape: readonly number[], classes: number, hidden: number): Graph {
  return networkOf(shape, classes, (g) => {
    const features = elementCount(shape)
    const first = dense(g, flat(g, 'x'), 'first', { from: features, to: hidden })
    return dense(g, g.emit('Relu', [first]), 'second', { from: hidden, to: classes })
  })
}

/** Conv 3 × 3 → Relu → Flatten → Gemm. @param shape - (channels, height, width) */
export function convolution(
  shape: readonly [number, number, number],
  classes: number,
  channels: number,
): Graph {
  const [depth, height, width] = shape
  return networkOf(shape, classes, (g) => {
    const fanIn = depth * 9
    const kernel = normal(g, [channels, depth, 3, 3], 2 / Math.sqrt(fanIn), 'kernel')
    const shown = g.emit('Relu', [g.emit('Conv', ['x', kernel], { pads: [1, 1, 1, 1] })])
    return dense(g, flat(g, shown), 'head', { from: channels * height * width, to: classes })
  })
}

/**
 * logits = flat(x)·w + b
 * @param weights - (features, classes) in C order
 */
export function linear(
  shape: readonly number[],
  weights: readonly number[],
  bias: readonly number[],
): Graph {
  const classes = bias.length
  return networkOf(shape, classes, (g) => {
    const w = g.constant(tensorOfFloats([elementCount(shape), classes], weights), 'w')
    return g.emit('Gemm', [flat(g, 'x'), w, g.constant(tensorOfFloats([classes], bias), 'b')])
  })
}

function networkOf(
  shape: readonly number[],
  classes: number,
  build: (g: GraphBuilder) => string,
): Graph {
  const x = { name: 'x', dtype: 'float32', dims: ['N', ...shape] } as const
  const g = new GraphBuilder({
    name: 'plugin-kit',
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [x],
    outputs: [],
    initializers: {},
    nodes: [],
  })
  const logits = build(g)
  return g.finish([x], [{ name: logits, dtype: 'float32', dims: ['N', classes] }])
}

const flat = (g: GraphBuilder, value: string): string => g.emit('Flatten', [value], { axis: 1 })

function dense(
  g: GraphBuilder,
  value: string,
  name: string,
  { from, to }: { readonly from: number; readonly to: number },
): string {
  const weight = normal(g, [from, to], 1.5 / Math.sqrt(from), name)
  return g.emit('Gemm', [value, weight, normal(g, [to], 0.1, name)])
}

/** A constant of seeded normal values times `scale`. */
function normal(g: GraphBuilder, dims: readonly number[], scale: number, name: string): string {
  // One of the first seeds for which every class is predicted now and then.
  const rng = createRng('plugin-kit', name, 2, ...dims)
  const values = Array.from({ length: elementCount(dims) }, () => scale * rng.normal())
  return g.constant(tensorOfFloats(dims, values), name)
}
