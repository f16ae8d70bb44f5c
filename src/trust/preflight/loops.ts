import type { Graph, Node } from '../../graph/ir.js'
import type { Check, Raised } from '../check.js'
import { dependents, reachedFrom } from './reach.js'

/**
 * P14. A network that decides from its input what it computes, or how often, may be a defence that optimises while it
 * infers: its gradient is that of one path.
 * Source: Croce & Hein 2020, AutoAttack's check for dynamic defences.
 */
export const loops: Check = {
  signal: 'P14',
  needs: [],
  async run(bench) {
    const { forward, input } = bench.job.model.prepared
    return found(forward, [input])
  },
}

function found(graph: Graph, sources: readonly string[]): Raised[] {
  const reached = dependents(graph, sources)
  const depends = (name: string | undefined): boolean => name !== undefined && reached.has(name)
  return reachedFrom(graph, sources).flatMap((node): Raised[] => {
    const inner = bodies(node).flatMap((body) => found(body, innerSources(node, body, reached)))
    const what = decision(node, depends, reached)
    return what === null ? inner : [what, ...inner]
  })
}

function decision(
  node: Node,
  depends: (name: string | undefined) => boolean,
  reached: ReadonlySet<string>,
): Raised | null {
  const where = `${node.name || node.outputs[0]} (${node.op})`
  const warning = (text: string): Raised => ({ severity: 'warning', where, text })
  if (node.op === 'If' && depends(node.inputs[0]))
    return warning('the input decides which branch of the network runs')
  if (node.op === 'Loop') {
    const [rounds, start] = node.inputs
    const body = bodies(node)[0]
    if (depends(rounds) || depends(start) || (body && isStoppedByData(node, body, reached)))
      return warning('the input decides how often a loop of the network runs')
  }
  return node.op === 'Loop' || node.op === 'Scan'
    ? { severity: 'note', where, text: 'the input goes through a loop of fixed length' }
    : null
}

/** Whether the condition that a loop's body leaves depends on the network's input. */
function isStoppedByData(node: Node, body: Graph, reached: ReadonlySet<string>): boolean {
  const condition = body.outputs[0]?.name
  return (
    condition !== undefined && dependents(body, innerSources(node, body, reached)).has(condition)
  )
}

const bodies = (node: Node): Graph[] =>
  Object.values(node.attrs).flatMap((attr) => (attr.kind === 'graph' ? [attr.value] : []))

/** What within a body depends on the input: what it captures, and what it is handed (each round's state among it). */
function innerSources(node: Node, body: Graph, reached: ReadonlySet<string>): string[] {
  // A loop's body is handed the round and the condition first; a Scan's, states and slices.
  const handed = body.inputs.slice(node.op === 'Loop' ? 2 : 0).map(({ name }) => name)
  return [...reached, ...handed]
}
