import type { Node } from '../graph/ir.js'
import type { Forms } from '../graph/lower/forms.js'
import { neededBy, sortNodes } from '../graph/sort.js'

/** The nodes in an order in which one that has a form stands behind it: a walk from the end meets the node first. */
export function behindForms(nodes: readonly Node[], forms: Forms): readonly Node[] {
  if (forms.size === 0) return nodes
  const original = new Map<Node, Node>()
  const bound = nodes.map((node) => {
    const own = node.outputs.flatMap((output) => forms.get(output) ?? [])
    const tied = { ...node, inputs: [...node.inputs, ...own] }
    original.set(tied, node)
    return tied
  })
  return sortNodes(bound).map((node) => original.get(node)!)
}

/** Whether a node is one of the network itself, and not only part of a form. */
export function ownNodes(
  nodes: readonly Node[],
  seeded: Iterable<string>,
  forms: Forms,
): (node: Node) => boolean {
  if (forms.size === 0) return () => true
  const needed = new Set(seeded)
  for (const node of nodes.toReversed())
    if (node.outputs.some((output) => needed.has(output)))
      for (const input of neededBy(node)) needed.add(input)
  return (node) => node.outputs.some((output) => needed.has(output))
}
