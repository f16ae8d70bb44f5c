import type { GraphBuilder } from '../graph/builder.js'
import type { Node } from '../graph/ir.js'
import { viewOf } from '../graph/node-view.js'
import type { ValueInfo } from '../graph/shapes.js'
import { isFloating } from '../graph/tensor.js'
import type { RuleContext } from './rule.js'

/**
 * The view of one node that its rule works with. Values of integers that are differentiated look like float32 ones to
 * it, because their gradients are: an operator that only moves elements has one rule for both.
 */
export function contextOf(
  g: GraphBuilder,
  node: Node,
  dy: readonly (string | null)[],
  wants: readonly boolean[],
  through: RuleContext['through'],
): RuleContext {
  const view = viewOf(g, node)
  const wanted = new Set(node.inputs.filter((_, k) => wants[k]))
  for (const output of node.outputs) if (output) wanted.add(output)
  const info = (name: string): ValueInfo =>
    wanted.has(name) ? gradientInfo(g.info(name)) : g.info(name)
  return {
    ...view,
    info,
    scalar: (value) => g.scalar(value, info(node.inputs[0]!).dtype),
    dy,
    wants,
    through,
  }
}

/** Type and shape of a value's gradient. */
export const gradientInfo = ({ dtype, shape }: ValueInfo): ValueInfo => ({
  dtype: isFloating(dtype) ? dtype : 'float32',
  shape,
})
