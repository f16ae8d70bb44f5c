import { input, ints, type RuleCase } from '../../../../helpers/gradient-check.js'

const crop = (
  label: string,
  dims: readonly (number | 'N')[],
  target: readonly number[],
  axes?: readonly number[],
): RuleCase => ({
  op: 'CenterCropPad',
  label,
  inputs: [input(dims), ints(...target)],
  ...(axes ? { attrs: { axes } } : {}),
})

export const cropCases: readonly RuleCase[] = [
  crop('all axes, longer and shorter, odd differences', [2, 5, 4], [3, 2, 7]),
  crop('even differences', ['N', 2, 6, 5], [2, 9], [2, 3]),
  crop('negative axes in another order', ['N', 3, 5, 4], [7, 2], [-1, -2]),
  crop('cropped only', ['N', 6, 5], [3, 4], [1, 2]),
  crop('padded only', ['N', 3], [8], [1]),
  crop('nothing to do', ['N', 3, 4], [3, 4], [1, 2]),
]
