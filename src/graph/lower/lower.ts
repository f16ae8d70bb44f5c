import { GraphBuilder } from '../builder.js'
import type { Graph } from '../ir.js'
import { viewOf } from '../node-view.js'
import { operatorKey } from '../operator-key.js'
import { renameValues } from '../passes/rename.js'
import type { ValueInfos } from '../shapes.js'
import { lowerings } from './index.js'
import type { LoweringTable } from './lowering.js'
import { handOnSequence } from './sequences.js'

/**
 * One round: every node with a lowering is replaced by what it emits; graph outputs keep their names.
 * @returns the same graph when there was nothing to do
 */
export function lowerOnce(
  graph: Graph,
  infos: ValueInfos,
  table: LoweringTable = lowerings,
): Graph {
  const g = new GraphBuilder(graph, infos)
  const results = new Map<string, string>()
  for (const node of graph.nodes) {
    const before = g.mark()
    handOnSequence(g, node)
    const values = table[operatorKey(node)]?.(viewOf(g, node))
    if (!values) continue
    const emitted = new Set(g.nodesSince(before).flatMap((one) => one.outputs))
    node.outputs.forEach((output, index) => {
      const value = values[index]
      if (!output || !value) return
      // Two outputs that are one value, or an input handed through, have names of their own.
      const taken = !emitted.has(value) || [...results.values()].includes(value)
      const own = taken ? g.emit('Identity', [value]) : value
      g.replace(output, own)
      results.set(output, own)
    })
  }
  if (results.size === 0) return graph
  const outputs = graph.outputs.map((output) => ({
    ...output,
    name: results.get(output.name) ?? output.name,
  }))
  const lowered = g.finish(graph.inputs, outputs)
  const publicNames = new Map(
    graph.outputs.flatMap(({ name }) => (results.has(name) ? [[results.get(name)!, name]] : [])),
  )
  return publicNames.size === 0
    ? lowered
    : renameValues(lowered, (name) => publicNames.get(name) ?? name)
}
