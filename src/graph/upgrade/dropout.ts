import { firstInput, refused, type Step } from './step.js'

/** Dropout before 12 is the identity when a model is run; only its mask has no meaning there. */
export const dropoutSteps: readonly Step[] = [
  {
    op: 'Dropout',
    to: 12,
    run(node, { isUsed }) {
      const mask = node.outputs[1]
      if (mask && isUsed(mask)) throw refused(node, 12, 'its mask is used')
      const [output = ''] = node.outputs
      return [{ ...node, op: 'Identity', inputs: [firstInput(node)], outputs: [output], attrs: {} }]
    },
  },
]
