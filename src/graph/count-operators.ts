import type { Graph } from './ir.js'
import { operatorKey } from './operator-key.js'

/** How many nodes of each operator a graph has, those of its subgraphs included. */
export function countOperators(graph: Graph): Map<string, number> {
  const counts = new Map<string, number>()
  const visit = ({ nodes }: Graph): void => {
    for (const node of nodes) {
      const key = operatorKey(node)
      counts.set(key, (counts.get(key) ?? 0) + 1)
      for (const attr of Object.values(node.attrs)) if (attr.kind === 'graph') visit(attr.value)
    }
  }
  visit(graph)
  return counts
}
