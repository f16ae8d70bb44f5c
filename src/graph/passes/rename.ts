import type { Graph } from '../ir.js'

/** Renames values everywhere, subgraphs included; `''` stays. Names the map leaves alone stay too. */
export function renameValues(graph: Graph, rename: (name: string) => string): Graph {
  const to = (name: string): string => (name === '' ? '' : rename(name))
  const inside = (inner: Graph): Graph => ({
    ...inner,
    inputs: inner.inputs.map((value) => ({ ...value, name: to(value.name) })),
    outputs: inner.outputs.map((value) => ({ ...value, name: to(value.name) })),
    initializers: Object.fromEntries(
      Object.entries(inner.initializers).map(([name, tensor]) => [to(name), tensor]),
    ),
    nodes: inner.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(to),
      outputs: node.outputs.map(to),
      attrs: Object.fromEntries(
        Object.entries(node.attrs).map(([key, attr]) => [
          key,
          attr.kind === 'graph' ? { ...attr, value: inside(attr.value) } : attr,
        ]),
      ),
    })),
  })
  return inside(graph)
}
