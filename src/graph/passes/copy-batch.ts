import { GraphBuilder } from '../builder.js'
import type { Graph } from '../ir.js'
import { reshapeTarget, type ValueInfos } from '../shapes.js'

/**
 * Lets a Reshape copy its batch axis (0) instead of working it out (−1). To ONNX Runtime a worked-out size is
 * unknown, and only where the shapes of both operands of a Mul are provably the same does it stay in the
 * blocked layout: one −1 in the middle of a network would cost two reorders at every layer behind it.
 */
export function copyBatch(graph: Graph, infos: ValueInfos): Graph {
  const g = new GraphBuilder(graph, infos)
  for (const node of graph.nodes) {
    const [value, shape] = node.inputs
    if (node.op !== 'Reshape' || node.domain !== '' || !g.initializer(shape!)) continue
    const from = infos.get(value!)?.shape
    const to = infos.get(node.outputs[0]!)?.shape
    const target = from && to ? reshapeTarget(to, from) : null
    const zeros = node.attrs['allowzero']
    const copies = zeros?.kind !== 'int' || zeros.value === 0
    if (target?.[0] === 0 && copies) g.rewire(node, [value!, g.ints(target)])
  }
  return g.finish(graph.inputs, graph.outputs)
}
