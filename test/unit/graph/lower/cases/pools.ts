import { input, type RuleCase } from '../../../../helpers/gradient-check.js'

const image = input(['N', 2, 5, 6])

const lpPool = (label: string, attrs: RuleCase['attrs']): RuleCase => ({
  op: 'LpPool',
  label,
  inputs: [image],
  attrs: { kernel_shape: [2, 3], ...attrs },
})

export const poolCases: readonly RuleCase[] = [
  lpPool('p = 2', {}),
  lpPool('p = 1, strides', { p: 1, strides: [2, 2] }),
  lpPool('p = 3, padding', { p: 3, pads: [1, 1, 0, 1] }),
  lpPool('SAME_UPPER', { auto_pad: 'SAME_UPPER' }),
  ...[1, 2, 3].map((p): RuleCase => ({
    op: 'GlobalLpPool',
    label: `p = ${p}`,
    inputs: [image],
    attrs: { p },
  })),
]
