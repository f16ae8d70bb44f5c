import type { Graph } from '../ir.js'
import { outerValues } from '../sort.js'

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

/** Renames what a subgraph reads of the graphs around it; its own values keep their names. */
export function renameOuter(graph: Graph, rename: (name: string) => string): Graph {
  const outer = new Set(outerValues(graph))
  const walk = (inner: Graph, free: ReadonlySet<string>): Graph => {
    const to = (name: string): string => (free.has(name) ? rename(name) : name)
    return {
      ...inner,
      outputs: inner.outputs.map((value) => ({ ...value, name: to(value.name) })),
      nodes: inner.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(to),
        attrs: Object.fromEntries(
          Object.entries(node.attrs).map(([key, attr]) => {
            if (attr.kind !== 'graph') return [key, attr]
            const deeper = new Set(outerValues(attr.value).filter((name) => free.has(name)))
            return [key, { ...attr, value: walk(attr.value, deeper) }]
          }),
        ),
      })),
    }
  }
  return [...outer].every((name) => rename(name) === name) ? graph : walk(graph, outer)
}
