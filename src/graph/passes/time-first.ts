import { GraphBuilder } from '../builder.js'
import type { Graph } from '../ir.js'

const recurrent = new Set(['RNN', 'GRU', 'LSTM'])

/** From batch first to time first and back, by the place of an input or output: X and Y, states (N, D, H). */
const inputAxes: Readonly<Record<number, readonly number[]>> = {
  0: [1, 0, 2],
  5: [1, 0, 2],
  6: [1, 0, 2],
}
/** Y (T, D, N, H) → (N, T, D, H). */
const outputAxes: readonly (readonly number[])[] = [
  [2, 0, 1, 3],
  [1, 0, 2],
  [1, 0, 2],
]

const isBatchFirst = ({ op, domain, attrs: { layout } }: Graph['nodes'][number]): boolean =>
  domain === '' && recurrent.has(op) && layout?.kind === 'int' && layout.value === 1

/**
 * Recurrent nodes of `layout` 1, the batch first, as those of layout 0 between transpositions: ONNX Runtime has kernels
 * for these only. Nodes inside subgraphs stay. Source: ONNX Operators.md, RNN, LSTM, GRU, from opset 14 on.
 */
export function timeFirst(graph: Graph): Graph {
  if (!graph.nodes.some(isBatchFirst)) return graph
  const g = new GraphBuilder(graph)
  const nodes = graph.nodes.flatMap((node) => {
    if (!isBatchFirst(node)) return [node]
    const before = g.mark()
    const inputs = node.inputs.map((name, k) =>
      name !== '' && inputAxes[k] ? g.emit('Transpose', [name], { perm: inputAxes[k] }) : name,
    )
    const { layout: _, ...attrs } = node.attrs
    const outputs = node.outputs.map((name) => (name === '' ? '' : g.fresh(`${name}/time-first`)))
    g.append({ ...node, inputs, outputs, attrs })
    node.outputs.forEach((name, k) => {
      if (name === '') return
      const perm = { kind: 'ints' as const, value: outputAxes[k]! }
      g.append({
        name,
        op: 'Transpose',
        domain: '',
        inputs: [outputs[k]!],
        outputs: [name],
        attrs: { perm },
      })
    })
    return g.nodesSince(before)
  })
  return { ...graph, nodes }
}
