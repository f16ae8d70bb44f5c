import { tensorOfInts } from '../tensor.js'
import { bound } from './clip.js'
import {
  firstInput,
  floatAttr,
  intsAttr,
  malformed,
  withAttrs,
  withInputs,
  type Step,
} from './step.js'

/** Pad 11: `pads` and `value` become inputs; a value of 0 is the default and stays absent. */
export const padSteps: readonly Step[] = [
  {
    op: 'Pad',
    to: 11,
    run(node, context) {
      const pads = intsAttr(node, 'pads')
      if (!pads) throw malformed(node, 'no pads')
      const data = firstInput(node)
      const input = context.constant(`${node.name}/pads`, tensorOfInts([pads.length], pads))
      const value = bound(node, 'value', floatAttr(node, 'value') || undefined, data, context)
      const padded = withAttrs(node, ['pads', 'value'])
      return [...(value?.nodes ?? []), withInputs(padded, [data, input, value?.name ?? ''])]
    },
  },
]
