import type { Graph, Node, Tensor } from '../ir.js'
import { floats, tensorOfFloats } from '../tensor.js'

const float32 = 1

/**
 * Half-precision constants that a Cast makes float32, as ONNX Runtime does where it has no kernel of half precision,
 * become float32 constants of the same values. It does so itself when it opens the graph; done before, gradients of
 * products with them are written in the forms that are fastest. Behind DequantizeLinear it does not, and neither is it
 * done here: a Conv with a constant weight runs in another kernel, which rounds differently.
 */
export function foldHalf(graph: Graph): Graph {
  const folded = new Map<string, Tensor>()
  for (const node of graph.nodes) {
    const tensor = constantOf(node, graph)
    if (tensor) folded.set(node.outputs[0]!, tensor)
  }
  if (folded.size === 0) return graph
  return {
    ...graph,
    nodes: graph.nodes.filter(({ outputs }) => !folded.has(outputs[0]!)),
    initializers: { ...graph.initializers, ...Object.fromEntries(folded) },
  }
}

function constantOf({ op, inputs, attrs: { to }, outputs }: Node, graph: Graph): Tensor | null {
  const value = graph.initializers[inputs[0] ?? '']
  const isHalf = value?.dtype === 'float16' || value?.dtype === 'bfloat16'
  const isToSingle = op === 'Cast' && to?.kind === 'int' && to.value === float32
  if (!isHalf || !isToSingle || graph.outputs.some(({ name }) => name === outputs[0])) return null
  return tensorOfFloats(value.dims, floats(value))
}
