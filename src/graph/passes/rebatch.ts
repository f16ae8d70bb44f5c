import type { Graph, Node, Tensor } from '../ir.js'
import { ints, tensorOfInts } from '../tensor.js'

/** The symbol every re-batched graph uses for its batch axis. */
export const batchSymbol: string = 'N'

/** What a Reshape target says of its first axis: copy the size of its input (0), or what is left over (−1). */
export type BatchAxis = 'copy' | 'infer'

/**
 * Frees the batch axis of `input`, which a file may have fixed: the axis becomes symbolic, and Reshape
 * targets that begin with the fixed batch take theirs from their input instead.
 *
 * The result computes the same only if the network treats samples one by one; the caller runs both
 * and compares, because no look at the graph can prove it.
 *
 * @param axis - `copy` is right where the batch is the first axis on both sides, `infer` also where the batch was
 *   folded into another axis, but only if the target infers no other one
 */
export function rebatch(
  graph: Graph,
  input: string,
  batch: number | null,
  axis: BatchAxis = 'copy',
): Graph {
  const initializers: Record<string, Tensor> = { ...graph.initializers }
  const taken = new Set([
    ...Object.keys(initializers),
    ...graph.nodes.flatMap((node) => node.outputs),
  ])
  const retarget = (node: Node): Node => {
    if (batch === null || node.domain !== '') return node
    const shapeName =
      shapeInput[node.op] === undefined ? undefined : node.inputs[shapeInput[node.op]!]
    const shape = shapeName ? graph.initializers[shapeName] : undefined
    if (!shapeName || !shape) return node
    const target = ints(shape)
    if (target.length < 2 || target[0] !== batch) return node
    // The constant may be shared with a node that must keep it.
    let name = `${shapeName}_free`
    while (taken.has(name)) name += '_'
    taken.add(name)
    const freed = [freeSize(node.op, target, axis), ...target.slice(1)]
    initializers[name] = tensorOfInts([target.length], freed)
    return { ...node, inputs: node.inputs.map((each) => (each === shapeName ? name : each)) }
  }
  const nodes = graph.nodes.map(retarget)
  return {
    ...graph,
    nodes,
    initializers,
    inputs: graph.inputs.map((value) =>
      value.name === input && value.dims
        ? { ...value, dims: [batchSymbol, ...value.dims.slice(1)] }
        : value,
    ),
    // The declared output shapes spoke of the old batch.
    outputs: graph.outputs.map((value) => ({ ...value, dims: null })),
  }
}

const shapeInput: Readonly<Record<string, number>> = { Reshape: 1, Expand: 1 }

function freeSize(op: string, target: readonly number[], axis: BatchAxis): number {
  // Expand: 1 keeps the size of the input.
  if (op === 'Expand') return 1
  return axis === 'infer' && !target.includes(-1) ? -1 : 0
}
