import type { GraphBuilder } from '../builder.js'
import type { Graph } from '../ir.js'
import { renameOuter } from '../passes/rename.js'

/** Appends a copy of a subgraph's nodes. @returns its outputs, which may be values it was given */
export type Inlined = (inputs: readonly string[]) => string[]

/**
 * Readies a subgraph to be written out in the graph around it, any number of times; its constants are there once.
 * @param outer - other names for values that it reads from outside
 */
export function inlined(
  g: GraphBuilder,
  body: Graph,
  outer: ReadonlyMap<string, string> = new Map(),
): Inlined {
  const shared = new Map(outer)
  for (const [name, tensor] of Object.entries(body.initializers))
    shared.set(name, g.constant(tensor, name))
  return (inputs) => {
    const names = new Map(shared)
    const to = (name: string): string => names.get(name) ?? name
    body.inputs.forEach(({ name }, k) => names.set(name, inputs[k]!))
    for (const node of body.nodes) {
      const reads = node.inputs.map(to)
      const attrs = Object.entries(node.attrs).map(([key, attr]) => [
        key,
        attr.kind === 'graph' ? { ...attr, value: renameOuter(attr.value, to) } : attr,
      ])
      const outputs = node.outputs.map((name) => (name === '' ? '' : g.fresh(name)))
      g.append({ ...node, inputs: reads, outputs, attrs: Object.fromEntries(attrs) })
      node.outputs.forEach((name, k) => names.set(name, outputs[k]!))
    }
    return body.outputs.map(({ name }) => to(name))
  }
}
