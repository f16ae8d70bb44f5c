import type { Graph, Node } from './ir.js'

/** Values a node needs: its inputs and what its subgraphs take from outside. */
export function neededBy(node: Node): string[] {
  return [...node.inputs.filter((name) => name !== ''), ...capturedBy(node)]
}

/** What a node's subgraphs take from outside. */
export function capturedBy(node: Node): string[] {
  return Object.values(node.attrs).flatMap((attr) =>
    attr.kind === 'graph' ? outerValues(attr.value) : [],
  )
}

/** Names that a subgraph gives to values of its own, and its subgraphs to theirs. */
export function innerValues(graph: Graph): string[] {
  return [
    ...graph.inputs.map((value) => value.name),
    ...Object.keys(graph.initializers),
    ...graph.nodes.flatMap((node) => [
      ...node.outputs,
      ...Object.values(node.attrs).flatMap((attr) =>
        attr.kind === 'graph' ? innerValues(attr.value) : [],
      ),
    ]),
  ].filter((name) => name !== '')
}

/** Values a subgraph takes from the graphs around it. */
export function outerValues(graph: Graph): string[] {
  const own = new Set([
    ...graph.inputs.map((value) => value.name),
    ...Object.keys(graph.initializers),
    ...graph.nodes.flatMap((node) => node.outputs),
  ])
  const used = [...graph.nodes.flatMap(neededBy), ...graph.outputs.map((value) => value.name)]
  return [...new Set(used.filter((name) => !own.has(name)))]
}

/**
 * Nodes with producers before consumers. Keeps the order of a list that is sorted already; otherwise a
 * producer moves to just before its first consumer.
 * @throws Error when the nodes form a cycle or a value has two producers
 */
export function sortNodes(nodes: readonly Node[]): readonly Node[] {
  const producer = new Map<string, number>()
  nodes.forEach((node, index) => {
    for (const name of node.outputs.filter((output) => output !== '')) {
      if (producer.has(name)) throw new Error(`value "${name}" is produced by two nodes`)
      producer.set(name, index)
    }
  })
  const needs = nodes.map((node) =>
    neededBy(node).flatMap((name) => {
      const index = producer.get(name)
      return index === undefined ? [] : [index]
    }),
  )
  if (needs.every((list, index) => list.every((need) => need < index))) return nodes
  return depthFirst(needs).map((index) => {
    const node = nodes[index]
    if (!node) throw new RangeError(`no node ${index}`)
    return node
  })
}

/** Positions in an order where everything stands after what it needs. An explicit stack: graphs are deeper than call stacks. */
function depthFirst(needs: readonly (readonly number[])[]): number[] {
  const order: number[] = []
  const state = new Map<number, 'open' | 'done'>()
  for (let root = 0; root < needs.length; root++) {
    const stack = [root]
    while (stack.length > 0) {
      const index = stack[stack.length - 1] ?? root
      const next = state.has(index)
        ? undefined
        : needs[index]?.filter((need) => state.get(need) !== 'done')
      if (next && next.length > 0) {
        state.set(index, 'open')
        if (next.some((need) => state.get(need) === 'open'))
          throw new Error('the nodes form a cycle')
        stack.push(...next.toReversed())
        continue
      }
      stack.pop()
      if (state.get(index) !== 'done') order.push(index)
      state.set(index, 'done')
    }
  }
  return order
}
