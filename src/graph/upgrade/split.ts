import { tensorOfInts } from '../tensor.js'
import { firstInput, intsAttr, withAttrs, withInputs, type Step } from './step.js'

/** Split 13: the attribute `split` becomes an input. Split 18: equal parts need `num_outputs`. */
export const splitSteps: readonly Step[] = [
  {
    op: 'Split',
    to: 13,
    run(node, { constant }) {
      const split = intsAttr(node, 'split')
      if (!split) return [node]
      const sizes = constant(`${node.name}/split`, tensorOfInts([split.length], split))
      return [withInputs(withAttrs(node, ['split']), [firstInput(node), sizes])]
    },
  },
  {
    op: 'Split',
    to: 18,
    run(node) {
      if (node.inputs[1]) return [node]
      return [withAttrs(node, [], { num_outputs: { kind: 'int', value: node.outputs.length } })]
    },
  },
]
