import type { GraphBuilder } from '../graph/builder.js'
import type { DType, Node } from '../graph/ir.js'
import { viewOf } from '../graph/node-view.js'
import type { ValueInfo } from '../graph/shapes.js'
import type { RuleContext } from './rule.js'

/**
 * The view of one node that its rule works with. Values of integers or half precision that are differentiated look
 * like float32 ones to it, because their gradients are: an operator that only moves elements has one rule for all.
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

/**
 * Type of the gradient of a value: float32 also for integers and for half precision, in which a small gradient would be
 * rounded to zero.
 */
export const gradientType = (dtype: DType): DType => (dtype === 'float64' ? dtype : 'float32')

export const gradientInfo = ({ dtype, shape }: ValueInfo): ValueInfo => ({
  dtype: gradientType(dtype),
  shape,
})
