import type { AuditFinding } from '../result.js'
import type { ScannedGraph, ScannedNode } from './scanned.js'
import { some } from './operators.js'

/** Exporters leave some sizes and axes behind; more than that is a load of something. */
const manyBytes = 4096

/** Nodes and weights that no output needs: what a file carries besides its model. */
export function unusedParts(graph: ScannedGraph): AuditFinding[] {
  const needed = new Set(graph.outputs)
  const producers = new Map<string, ScannedNode>()
  for (const node of graph.nodes) for (const output of node.outputs) producers.set(output, node)
  const used = new Set<ScannedNode>()
  const open = [...needed]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producers.get(name)
    if (!node || used.has(node)) continue
    used.add(node)
    for (const input of readBy(node))
      if (!needed.has(input)) {
        needed.add(input)
        open.push(input)
      }
  }
  const nodes = graph.nodes.filter((node) => !used.has(node))
  const weights = graph.initializers.filter(({ name }) => !needed.has(name))
  const bytes = weights.reduce((sum, one) => sum + one.bytes, 0)
  const findings: AuditFinding[] = []
  if (nodes.length > 0)
    findings.push({
      signal: 'unused-nodes',
      severity: 'note',
      where: '',
      text: `${nodes.length === 1 ? 'a node' : `${nodes.length} nodes`} that no output needs: ${some(nodes.map(({ name }) => name))}`,
    })
  if (weights.length > 0)
    findings.push({
      signal: 'unused-weights',
      severity: bytes > manyBytes ? 'warning' : 'note',
      where: '',
      text: `${bytes} bytes of weights that no output needs: ${some(weights.map(({ name }) => name))}`,
    })
  return findings
}

/** Inputs of a node, and what its subgraphs read of outside. */
function readBy(node: ScannedNode): string[] {
  return [
    ...node.inputs,
    ...node.graphs.flatMap((graph) => [...graph.outputs, ...graph.nodes.flatMap(readBy)]),
  ]
}
