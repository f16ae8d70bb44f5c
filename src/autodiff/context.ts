import { GauntletError } from '../errors.js'
import type { GraphBuilder } from '../graph/builder.js'
import type { Attr, Node } from '../graph/ir.js'
import { ints } from '../graph/tensor.js'
import type { RuleContext } from './rule.js'

/** The view of one node that its rule works with. */
export function contextOf(
  g: GraphBuilder,
  node: Node,
  dy: readonly (string | null)[],
  wants: readonly boolean[],
): RuleContext {
  const attr = (name: string): Attr | undefined => node.attrs[name]
  return {
    g,
    node,
    x: node.inputs,
    y: node.outputs,
    dy,
    wants,
    attr,
    info: (name) => g.info(name),
    shape: (name) => g.info(name).shape,
    int(name, otherwise) {
      const found = attr(name)
      return found?.kind === 'int' ? found.value : otherwise
    },
    float(name, otherwise) {
      const found = attr(name)
      return found?.kind === 'float' || found?.kind === 'int' ? found.value : otherwise
    },
    string(name, otherwise) {
      const found = attr(name)
      return found?.kind === 'string' ? found.value : otherwise
    },
    ints(name) {
      const found = attr(name)
      return found?.kind === 'ints' ? found.value : undefined
    },
    constantInts(index) {
      const name = node.inputs[index]
      if (!name) return undefined
      const tensor = g.initializer(name)
      if (!tensor)
        throw new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
          what: `input ${index} of ${node.op} must be a constant to be differentiated`,
          where: `node ${node.name}`,
          got: `the computed value ${name}`,
          fix: 'export the model with a fixed input size',
        })
      return ints(tensor)
    },
    scalar: (value) => g.scalar(value, g.info(node.inputs[0]!).dtype),
  }
}
