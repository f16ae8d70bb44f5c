import { refused, type Step } from './step.js'

function refuse(op: string, to: number, what: string): Step {
  return {
    op,
    to,
    run(node) {
      throw refused(node, to, what)
    },
  }
}

/** Experimental operators that opset 10 removed from the standard. */
const removed = [
  'ATen',
  'Affine',
  'ConstantFill',
  'Crop',
  'DynamicSlice',
  'GRUUnit',
  'GivenTensorFill',
  'ImageScaler',
  'ParametricSoftplus',
  'Scale',
  'ScaledTanh',
]

/** Forms with no counterpart in opset 18. */
export const legacySteps: readonly Step[] = [
  refuse('Scan', 9, 'it runs over a batch axis of its own'),
  ...removed.map((op) => refuse(op, 10, 'it left the standard')),
]
