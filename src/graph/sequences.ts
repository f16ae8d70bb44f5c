import type { Graph, Node } from './ir.js'

const makesSequence = new Set([
  'SequenceConstruct',
  'SequenceEmpty',
  'SequenceInsert',
  'SequenceErase',
  'SequenceMap',
  'SplitToSequence',
  'Optional',
])

/**
 * Values that are sequences of tensors or optional ones: they have no shape of their own.
 * @param outer - such values of the graphs around
 */
export function nonTensors(graph: Graph, outer: ReadonlySet<string> = new Set()): Set<string> {
  const found = new Set(outer)
  for (const node of graph.nodes) {
    const bodies = Object.values(node.attrs).flatMap((attr) =>
      attr.kind === 'graph' ? [attr.value] : [],
    )
    node.outputs.forEach((output, k) => {
      if (output !== '' && isNonTensor(node, k, bodies, found)) found.add(output)
    })
  }
  return found
}

function isNonTensor(
  node: Node,
  output: number,
  bodies: readonly Graph[],
  known: ReadonlySet<string>,
): boolean {
  if (node.domain !== '') return false
  if (makesSequence.has(node.op)) return true
  const from = (name: string | undefined): boolean => name !== undefined && known.has(name)
  switch (node.op) {
    case 'Identity':
      return from(node.inputs[0])
    // The states; what a body collects are tensors.
    case 'Loop':
      return from(node.inputs[2 + output])
    case 'If':
      return bodies.some((body) => nonTensors(body, known).has(body.outputs[output]?.name ?? ''))
    default:
      return false
  }
}
