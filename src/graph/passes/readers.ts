import type { Graph, Node } from '../ir.js'
import type { ValueInfos } from '../shapes.js'
import { neededBy } from '../sort.js'

/** A graph and what is known of its values; passes that need shapes hand both on. */
export interface ShapedGraph {
  readonly graph: Graph
  readonly infos: ValueInfos
}

/** Who makes and who reads the values of a graph. */
export interface Readers {
  readers(value: string): readonly Node[]
  producer(value: string): Node | undefined
  isOutput(value: string): boolean
  /** Read by one node only, once, and no output of the graph. */
  isPrivate(value: string): boolean
}

export function readersOf(graph: Graph): Readers {
  const readers = new Map<string, Node[]>()
  const producer = new Map<string, Node>()
  for (const node of graph.nodes) {
    for (const value of neededBy(node)) readers.set(value, [...(readers.get(value) ?? []), node])
    for (const value of node.outputs) producer.set(value, node)
  }
  const outputs = new Set(graph.outputs.map((output) => output.name))
  const of = (value: string): readonly Node[] => readers.get(value) ?? []
  return {
    readers: of,
    producer: (value) => producer.get(value),
    isOutput: (value) => outputs.has(value),
    isPrivate: (value) => of(value).length === 1 && !outputs.has(value),
  }
}
