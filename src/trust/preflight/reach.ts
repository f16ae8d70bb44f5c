import type { Graph, Node } from '../../graph/ir.js'
import { neededBy } from '../../graph/sort.js'

/** Names of the values that depend on any of `sources`, these included. */
export function dependents(graph: Graph, sources: readonly string[]): Set<string> {
  const reached = new Set(sources)
  for (const node of graph.nodes)
    if (neededBy(node).some((name) => reached.has(name)))
      for (const output of node.outputs) if (output !== '') reached.add(output)
  return reached
}

/** The nodes that read what depends on any of `sources`. */
export function reachedFrom(graph: Graph, sources: readonly string[]): Node[] {
  const reached = dependents(graph, sources)
  return graph.nodes.filter((node) => neededBy(node).some((name) => reached.has(name)))
}
