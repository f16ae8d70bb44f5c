import type { Graph } from '../ir.js'
import { neededBy } from '../sort.js'
import { renameOuter } from './rename.js'

/**
 * Gives what an Identity hands to an output of the graph the output's own name: ONNX Runtime would copy it. Inputs and
 * constants that are outputs keep their Identity, and so does a value that is an output already.
 */
export function nameOutputs(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name))
  const computed = new Set(graph.nodes.flatMap(({ outputs: made }) => made))
  const names = new Map<string, string>()
  for (const { op, domain, inputs, outputs: made } of graph.nodes) {
    const [from = ''] = inputs
    const [to = ''] = made
    const isHandedOver = op === 'Identity' && domain === '' && outputs.has(to) && computed.has(from)
    if (isHandedOver && !outputs.has(from) && !names.has(from)) names.set(from, to)
  }
  const rename = (name: string): string => names.get(name) ?? name
  const nodes = graph.nodes
    .filter(
      ({ op, inputs, outputs: made }) => !(op === 'Identity' && rename(inputs[0]!) === made[0]),
    )
    .map((node) =>
      [...neededBy(node), ...node.outputs].some((name) => names.has(name))
        ? {
            ...node,
            inputs: node.inputs.map(rename),
            outputs: node.outputs.map(rename),
            attrs: Object.fromEntries(
              Object.entries(node.attrs).map(([key, attr]) => [
                key,
                attr.kind === 'graph' ? { ...attr, value: renameOuter(attr.value, rename) } : attr,
              ]),
            ),
          }
        : node,
    )
  return { ...graph, nodes }
}
