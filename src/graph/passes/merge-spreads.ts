import { GraphBuilder } from '../builder.js'
import type { Node } from '../ir.js'
import { sameShape, type ValueInfos } from '../shapes.js'
import { readersOf, type Readers, type ShapedGraph } from './readers.js'

/**
 * The sum of values that are only put in place is put in place once: D(a) + D(b) = D(a + b) for DepthToSpace and
 * Slice. In a residual net the gradients of a strided Conv and of its strided shortcut meet like this; what is
 * left is an Add that ONNX Runtime fuses into the convolution.
 */
export function mergeSpreads(shaped: ShapedGraph): ShapedGraph {
  let current = shaped
  for (let next = mergeOne(current); next !== null; next = mergeOne(current)) current = next
  return current
}

function mergeOne({ graph, infos }: ShapedGraph): ShapedGraph | null {
  const sites = readersOf(graph)
  for (const sum of graph.nodes) {
    if (sum.domain !== '' || (sum.op !== 'Add' && sum.op !== 'Sum')) continue
    const group = alike(sum, sites, infos)
    if (group.length < 2) continue
    const first = group[0]!
    const g = new GraphBuilder(graph, infos)
    const info = infos.get(first.inputs[0]!)
    const inner = g.emit(
      group.length === 2 ? 'Add' : 'Sum',
      group.map((node) => node.inputs[0]!),
    )
    if (info) g.know(inner, info)
    const outer = g.emit(first.op, [inner, ...first.inputs.slice(1)], first.attrs)
    g.know(outer, infos.get(first.outputs[0]!)!)
    const merged = new Set(group.map((node) => node.outputs[0]!))
    const others = sum.inputs.filter((input) => !merged.has(input))
    g.replace(sum.outputs[0]!, others.length === 0 ? outer : g.emit('Sum', [outer, ...others]))
    return { graph: g.finish(graph.inputs, graph.outputs), infos: g.infos }
  }
  return null
}

/** Inputs of `sum` that are put in place in the same way, by nodes that serve nothing else. */
function alike(sum: Node, { producer, isPrivate, isOutput }: Readers, infos: ValueInfos): Node[] {
  if (isOutput(sum.outputs[0]!)) return []
  const makers = sum.inputs.flatMap((input): Node[] => {
    const node = producer(input)
    const places = node?.domain === '' && (node.op === 'DepthToSpace' || node.op === 'Slice')
    return node && places && isPrivate(input) && infos.has(input) ? [node] : []
  })
  for (const node of makers) {
    const { shape } = infos.get(node.outputs[0]!)!
    const group = makers.filter((other) => {
      const before = infos.get(other.inputs[0]!)?.shape
      const own = infos.get(node.inputs[0]!)?.shape
      const isSameSource = node.op === 'DepthToSpace' || (before && own && sameShape(before, own))
      return (
        key(other) === key(node) &&
        isSameSource &&
        sameShape(shape, infos.get(other.outputs[0]!)!.shape)
      )
    })
    if (group.length > 1) return group
  }
  return []
}

/** What must be the same for two nodes to put elements in the same places. */
const key = (node: Node): string =>
  JSON.stringify([node.op, node.inputs.slice(1), node.attrs['blocksize'], node.attrs['mode']])
