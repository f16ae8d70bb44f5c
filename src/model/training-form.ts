import type { Graph, Node } from '../graph/ir.js'
import { intAttr } from '../graph/upgrade/step.js'
import { neededBy } from '../graph/sort.js'
import { scalar } from '../graph/tensor.js'

export interface InferenceForm {
  readonly graph: Graph
  /** Share of values that a Dropout drops in training, by the value it makes. */
  readonly dropouts: ReadonlyMap<string, number>
}

/**
 * The graph as it is run: no BatchNormalization and no Dropout in training mode, which a file exported for training has.
 * Ratios of Dropout nodes are noted, because later forms of a graph may have Identity in their place.
 */
export function inferenceForm(graph: Graph): InferenceForm {
  const dropouts = new Map<string, number>()
  const used = new Set([...graph.nodes.flatMap(neededBy), ...graph.outputs.map(({ name }) => name)])
  const nodes = graph.nodes.map((node): Node => {
    if (node.domain !== '') return node
    const [first = '', ...others] = node.outputs
    const isAlone = others.every((name) => !used.has(name))
    if (node.op === 'Dropout' && isAlone) {
      dropouts.set(first, ratioOf(graph, node))
      // The third input, from opset 12 on, says that it drops when it is run.
      return { ...node, inputs: node.inputs.slice(0, 2), outputs: [first] }
    }
    const isTraining = others.some((name) => name !== '') || intAttr(node, 'training_mode', 0) !== 0
    if (node.op !== 'BatchNormalization' || !isTraining || !isAlone) return node
    const { training_mode: _, ...attrs } = node.attrs
    return { ...node, outputs: [first], attrs }
  })
  return { graph: { ...graph, nodes }, dropouts }
}

/** An attribute before opset 12, an input from then on; 0.5 where it is left out. */
function ratioOf({ initializers }: Graph, { attrs, inputs }: Node): number {
  const attr = attrs['ratio']
  if (attr?.kind === 'float' || attr?.kind === 'int') return attr.value
  const constant = initializers[inputs[1] ?? '']
  return constant ? scalar(constant) : 0.5
}
