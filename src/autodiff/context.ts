import type { GraphBuilder } from '../graph/builder.js'
import type { Node } from '../graph/ir.js'
import { viewOf } from '../graph/node-view.js'
import type { RuleContext } from './rule.js'

/** The view of one node that its rule works with. */
export function contextOf(
  g: GraphBuilder,
  node: Node,
  dy: readonly (string | null)[],
  wants: readonly boolean[],
): RuleContext {
  return { ...viewOf(g, node), dy, wants }
}
