import type { Attr, DType, Graph, Node, Tensor } from '../../src/graph/ir.js'
import { isFloating, numbers, tensorOf } from '../../src/graph/tensor.js'
import { dataTypeNames } from '../../src/onnx/proto.js'

export type Precision = 'float32' | 'float64'

/** The same graph with every float type replaced by one: inputs, constants, and the targets of Cast. */
export function retype(graph: Graph, to: Precision): Graph {
  return {
    ...graph,
    inputs: graph.inputs.map((input) =>
      isFloating(input.dtype) ? { ...input, dtype: to } : input,
    ),
    initializers: Object.fromEntries(
      Object.entries(graph.initializers).map(([name, tensor]) => [name, retypeTensor(tensor, to)]),
    ),
    outputs: graph.outputs.map((output) => ({ ...output, dtype: retypeName(output.dtype, to) })),
    nodes: graph.nodes.map((node) => ({
      ...node,
      attrs: Object.fromEntries(
        Object.entries(node.attrs).map(([name, attr]) => [name, retypeAttr(node, name, attr, to)]),
      ),
    })),
  }
}

export function retypeTensor(tensor: Tensor, to: Precision): Tensor {
  return isFloating(tensor.dtype) && tensor.dtype !== to
    ? tensorOf(to, tensor.dims, Array.from(numbers(tensor)))
    : tensor
}

const retypeName = (dtype: DType, to: Precision): DType => (isFloating(dtype) ? to : dtype)

function retypeAttr(node: Node, name: string, attr: Attr, to: Precision): Attr {
  if (attr.kind === 'tensor') return { kind: 'tensor', value: retypeTensor(attr.value, to) }
  if (attr.kind === 'graph') return { kind: 'graph', value: retype(attr.value, to) }
  if (node.op !== 'Cast' || name !== 'to' || attr.kind !== 'int') return attr
  const target = dataTypeNames[attr.value] as DType
  return { kind: 'int', value: dataTypeNames.indexOf(retypeName(target, to)) }
}
