import { input, ints, type RuleCase } from '../../../../helpers/gradient-check.js'

export const affineGridCases: readonly RuleCase[] = [0, 1].flatMap((aligned): RuleCase[] => [
  {
    op: 'AffineGrid',
    label: `images, align_corners ${aligned}`,
    opset: 20,
    inputs: [input([2, 2, 3]), ints(2, 1, 3, 4)],
    attrs: { align_corners: aligned },
  },
  {
    op: 'AffineGrid',
    label: `volumes, align_corners ${aligned}`,
    opset: 20,
    inputs: [input([2, 3, 4]), ints(2, 1, 2, 3, 4)],
    attrs: { align_corners: aligned },
  },
])
