import type { Graph, Node, Tensor } from '../graph/ir.js'
import { neededBy } from '../graph/sort.js'
import { tensorOfInts } from '../graph/tensor.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type OutputType } from '../runtime/session.js'

/**
 * Puts constants in the place of what is computed from known sizes alone: `Shape` of a value of known shape, and all
 * that follows from such. The few nodes are run; the network is not.
 *
 * @param types - what is known of the values
 * @returns null when there is nothing to do
 */
export async function foldSizes(
  graph: Graph,
  types: ReadonlyMap<string, OutputType>,
): Promise<Graph | null> {
  const constants: Record<string, Tensor> = { ...graph.initializers }
  const known = new Set(Object.keys(constants))
  const done = new Set<Node>()
  const nodes: Node[] = []
  for (const node of graph.nodes) {
    const sizes = shapeOf(node, types)
    if (sizes) constants[node.outputs[0]!] = sizes
    else if (node.inputs.length > 0 && neededBy(node).every((name) => known.has(name)))
      nodes.push(node)
    else continue
    done.add(node)
    for (const output of node.outputs) known.add(output)
  }
  if (done.size === 0) return null
  const outputs = nodes.flatMap((node) => node.outputs.filter((name) => name !== ''))
  const sizesOnly = {
    ...graph,
    nodes,
    inputs: [],
    outputs: outputs.map((name) => ({ name, dtype: 'float32' as const, dims: null })),
    initializers: constants,
  }
  if (nodes.length > 0) {
    const values = await valuesOf(sizesOnly)
    if (!values) return null
    for (const [name, value] of Object.entries(values)) constants[name] = value
  }
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => !done.has(node)),
    initializers: constants,
    // A constant as an output says what type it has.
  }
}

/** What a Shape node gives, if its input is known. */
function shapeOf(node: Node, types: ReadonlyMap<string, OutputType>): Tensor | null {
  const dims = types.get(node.inputs[0] ?? '')?.dims
  if (node.op !== 'Shape' || node.domain !== '' || !dims) return null
  const [start, end] = ['start', 'end'].map((name) => {
    const attr = node.attrs[name]
    return attr?.kind === 'int' ? attr.value : undefined
  })
  const sizes = dims.slice(start, end)
  return tensorOfInts([sizes.length], sizes)
}

/** Null where ONNX Runtime does not accept or run the graph. */
async function valuesOf(graph: Graph): Promise<Record<string, Tensor> | null> {
  const options = { optimization: 'disabled' } as const
  const session = await Session.open(encodeModel(graph), options).catch(() => null)
  const values = await session?.run({}).catch(() => null)
  await session?.close()
  if (!values) return null
  return Object.fromEntries(
    Object.entries(values).map(([name, { dtype, dims, data }]) => [
      name,
      { dtype, dims, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
    ]),
  )
}
