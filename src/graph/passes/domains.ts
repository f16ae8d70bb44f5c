import type { Graph } from '../ir.js'

/**
 * Without the operator sets that no node uses. A graph that ONNX Runtime has saved names all it knows, and another
 * runtime need not know them.
 */
export function dropUnusedDomains(graph: Graph): Graph {
  const used = domainsOf(graph)
  const opsets = Object.entries(graph.opsets).filter(
    ([domain]) => domain === '' || used.has(domain),
  )
  return { ...graph, opsets: Object.fromEntries(opsets) }
}

function domainsOf(graph: Graph): Set<string> {
  const domains = new Set<string>()
  for (const node of graph.nodes) {
    domains.add(node.domain)
    for (const attr of Object.values(node.attrs))
      if (attr.kind === 'graph') for (const domain of domainsOf(attr.value)) domains.add(domain)
  }
  return domains
}
