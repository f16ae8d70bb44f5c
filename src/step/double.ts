import { doubleLowerings } from '../autodiff/double/index.js'
import type { Graph } from '../graph/ir.js'
import { lowerOnce } from '../graph/lower/lower.js'
import { operatorKey } from '../graph/operator-key.js'
import type { ValueInfos } from '../graph/shapes.js'

/** Some operator may have no kernel in double precision. */
export const mayNeedDoubles = ({ nodes }: Graph): boolean =>
  nodes.some((node) => operatorKey(node) in doubleLowerings)

/** One round of `doubleLowerings`; the same graph when there was nothing to do. */
export const lowerDoublesOnce = (graph: Graph, infos: ValueInfos): Graph =>
  lowerOnce(graph, infos, doubleLowerings)
