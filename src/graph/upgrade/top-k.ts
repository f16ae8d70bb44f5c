import { tensorOfInts } from '../tensor.js'
import { firstInput, intAttr, malformed, withAttrs, withInputs, type Step } from './step.js'

/** TopK 10: the attribute `k` becomes an input. */
export const topKSteps: readonly Step[] = [
  {
    op: 'TopK',
    to: 10,
    run(node, { constant }) {
      const k = intAttr(node, 'k', 0)
      if (k < 1) throw malformed(node, `k = ${k}`)
      const input = constant(`${node.name}/k`, tensorOfInts([1], [k]))
      return [withInputs(withAttrs(node, ['k']), [firstInput(node), input])]
    },
  },
]
