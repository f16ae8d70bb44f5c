import { intAttr, refused, withAttrs, type Step } from './step.js'

/**
 * BatchNormalization 9 drops `spatial`, whose 0 normalizes each activation rather than each channel: the same thing
 * when there are two axes. Version 14 says by `training_mode` what the number of outputs said before.
 */
export const batchNormalizationSteps: readonly Step[] = [
  {
    op: 'BatchNormalization',
    to: 9,
    run(node, { rankOf }) {
      if (intAttr(node, 'spatial', 1) === 0 && rankOf(node.inputs[0] ?? '') !== 2) {
        throw refused(node, 9, 'spatial=0 on more than two axes')
      }
      return [withAttrs(node, ['spatial'])]
    },
  },
  {
    op: 'BatchNormalization',
    to: 14,
    run(node) {
      const [output = '', ...statistics] = node.outputs
      if (statistics.some((name) => name !== '')) {
        throw refused(node, 14, 'it is exported in training mode')
      }
      return [{ ...node, outputs: [output] }]
    },
  },
]
