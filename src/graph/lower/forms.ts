import { GraphBuilder } from '../builder.js'
import type { Graph } from '../ir.js'
import { viewOf } from '../node-view.js'
import type { ValueInfos } from '../shapes.js'
import type { Lowering } from './lowering.js'

/**
 * Of a value that a composite operator gives, the value that its simpler form gives. A lowering in the forward pass
 * changes its last bits, and where a network rounds to a few bits itself, that can change what it answers. So the
 * operator stays, and only its form is differentiated.
 */
export type Forms = ReadonlyMap<string, string>

/**
 * One round: beside every node that `formOf` has an answer for, what it emits. The forms are outputs of the graph, so
 * that passes keep them.
 * @returns the same graph when there was nothing to do
 */
export function addForms(
  graph: Graph,
  infos: ValueInfos,
  known: Forms,
  formOf: Lowering,
): { readonly graph: Graph; readonly forms: Forms } {
  const g = new GraphBuilder(graph, infos)
  const forms = new Map(known)
  for (const node of graph.nodes) {
    if (node.outputs.some((output) => known.has(output))) continue
    const before = g.mark()
    const values = formOf(viewOf(g, node))
    if (!values) continue
    const free = new Set(g.nodesSince(before).flatMap((one) => one.outputs))
    node.outputs.forEach((output, index) => {
      const value = values[index]
      if (!output || !value) return
      // Two outputs that are one value, or an input handed through, have names of their own.
      forms.set(output, free.delete(value) ? value : g.emit('Identity', [value]))
    })
  }
  if (forms.size === known.size) return { graph, forms: known }
  const added = [...forms].flatMap(([output, form]) =>
    known.has(output) ? [] : [{ name: form, dtype: infos.get(output)!.dtype, dims: null }],
  )
  return { graph: g.finish(graph.inputs, [...graph.outputs, ...added]), forms }
}
