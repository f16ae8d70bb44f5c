import type { NodeView } from '../../graph/node-view.js'
import { isFloating } from '../../graph/tensor.js'
import type { Lowering, LoweringTable } from '../../graph/lower/lowering.js'
import { functionDoubles } from './functions.js'
import { gridDoubles } from './grid-sample.js'
import { otherDoubles } from './others.js'
import { windowDoubles } from './windows.js'

/**
 * Operators for which ONNX Runtime has no kernel in double precision, written with operators for which it has one. Only
 * of graphs that are compiled in float64 to check gradients. A new operator is one row in one of these files.
 */
export const doubleLowerings: LoweringTable = Object.fromEntries(
  Object.entries({ ...functionDoubles, ...gridDoubles, ...otherDoubles, ...windowDoubles }).map(
    ([op, lower]) => [op, onlyDouble(lower)],
  ),
)

/** What is computed in another precision on purpose has a kernel. */
function onlyDouble(lower: Lowering): Lowering {
  return (view: NodeView) => {
    const { x, info } = view
    const types = x.flatMap((name) => (name === '' ? [] : [info(name).dtype]))
    return types.find(isFloating) === 'float64' ? lower(view) : null
  }
}
