import { GraphBuilder } from '../builder.js'
import type { DType, Graph } from '../ir.js'
import { tensorOfFloats } from '../tensor.js'
import { batchSymbol } from './rebatch.js'

export interface Preprocessing {
  /** Shape of one sample as the data set has it, channels first for images. */
  readonly sampleShape: readonly number[]
  /** Shape of one sample as the network wants it. */
  readonly modelShape: readonly number[]
  /** The network wants images channels last. */
  readonly channelsLast: boolean
  /** Per channel or one value, in the data set's units: the network sees (x − mean) / std. */
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
}

/** The input a prepared graph is fed through: samples in the data set's units and layout. */
export const attackedInput = 'gauntlet_x'

/**
 * Puts normalisation, layout and reshape in front of the network, so that an attack and its epsilon
 * live in the space the user states. Works at every opset from 7 on.
 */
export function preprocess(graph: Graph, input: string, options: Preprocessing): Graph {
  const batch = graph.inputs.find((value) => value.name === input)?.dims?.[0] ?? batchSymbol
  const g = new GraphBuilder(graph)
  const perChannel = (values: readonly number[]): string => {
    const ones = options.sampleShape.slice(1).map(() => 1)
    const dims = values.length === 1 ? [] : [1, values.length, ...ones]
    return g.constant(tensorOfFloats(dims, values), 'preprocess')
  }
  let value = attackedInput
  if (options.mean?.some((mean) => mean !== 0))
    value = g.emit('Sub', [value, perChannel(options.mean)])
  if (options.std?.some((std) => std !== 1)) value = g.emit('Div', [value, perChannel(options.std)])
  if (options.channelsLast) value = g.emit('Transpose', [value], { perm: [0, 2, 3, 1] })
  const now = options.channelsLast
    ? [...options.sampleShape.slice(1), options.sampleShape[0]!]
    : options.sampleShape
  if (now.join() !== options.modelShape.join())
    value = g.emit('Reshape', [
      value,
      g.ints([typeof batch === 'number' ? batch : -1, ...options.modelShape]),
    ])
  const front = convert(g, value, graph.inputs.find(({ name }) => name === input)?.dtype)
  const prefix = g.finish([], [{ name: front, dtype: 'float32', dims: null }])
  return {
    ...graph,
    inputs: [
      { name: attackedInput, dtype: 'float32', dims: [batch, ...options.sampleShape] },
      ...graph.inputs.filter((other) => other.name !== input),
    ],
    initializers: { ...graph.initializers, ...prefix.initializers },
    nodes: [
      ...prefix.nodes.map((node) =>
        node.outputs[0] === front ? { ...node, outputs: [input] } : node,
      ),
      ...graph.nodes,
    ],
  }
}

/** Numbers of TensorProto.DataType. */
const typeNumbers: Partial<Record<DType, number>> = { float16: 10, float64: 11, bfloat16: 16 }

/**
 * The last step into a network that does not take float32. Into bytes a value is rounded to the nearest one in range,
 * as an image file does.
 */
function convert(g: GraphBuilder, value: string, dtype: DType = 'float32'): string {
  if (dtype === 'float32') return g.emit('Identity', [value])
  const to = typeNumbers[dtype]
  if (to !== undefined) return g.emit('Cast', [value], { to })
  return g.emit('QuantizeLinear', [value, g.scalar(1), g.scalar(0, dtype)])
}
