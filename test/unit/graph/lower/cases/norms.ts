import { input, weight, type RuleCase } from '../../../../helpers/gradient-check.js'
import { tensorOf } from '../../../../../src/graph/tensor.js'
import { float } from '../../../../helpers/graphs.js'

const int32s = (dims: readonly number[], ...values: number[]): RuleCase['inputs'][number] => ({
  kind: 'tensor',
  tensor: tensorOf('int32', dims, values),
})

const domain = 'com.microsoft'
const x = input(['N', 3, 4])
const gain = weight([4])

export const normCases: readonly RuleCase[] = [
  {
    op: 'MeanVarianceNormalization',
    label: 'all but the channels',
    inputs: [input(['N', 2, 3, 3])],
  },
  {
    op: 'MeanVarianceNormalization',
    label: 'own axes',
    inputs: [input(['N', 2, 3])],
    attrs: { axes: [2] },
  },
  { op: 'RMSNormalization', label: 'the last axis', opset: 23, inputs: [x, gain] },
  {
    op: 'RMSNormalization',
    label: 'two axes, own epsilon',
    opset: 23,
    inputs: [x, weight([3, 4])],
    attrs: { axis: 1, epsilon: float(0.1) },
  },
  {
    op: 'SimplifiedLayerNormalization',
    label: 'the standard domain',
    inputs: [x, gain],
    attrs: { axis: -1, epsilon: float(0.1) },
  },
  {
    op: 'SkipLayerNormalization',
    domain,
    label: 'plain',
    inputs: [x, input(['N', 3, 4]), gain, weight([4])],
  },
  {
    op: 'SkipLayerNormalization',
    domain,
    label: 'a bias, own epsilon, the sum as well',
    inputs: [x, input(['N', 3, 4]), gain, weight([4]), weight([4])],
    attrs: { epsilon: float(0.1) },
    outputs: 4,
    reads: [0, 3],
  },
  {
    op: 'SkipSimplifiedLayerNormalization',
    domain,
    label: 'a bias, the sum as well',
    inputs: [x, input(['N', 3, 4]), gain, weight([4])],
    attrs: { epsilon: float(0.1) },
    outputs: 4,
    reads: [0, 3],
    unnamed: [1, 2],
  },
  {
    op: 'EmbedLayerNormalization',
    domain,
    label: 'all three tables',
    inputs: [
      int32s([2, 3], 0, 4, 2, 1, 1, 3),
      int32s([2, 3], 0, 1, 1, 0, 0, 1),
      weight([5, 4]),
      weight([6, 4]),
      weight([2, 4]),
      gain,
      weight([4]),
    ],
    outputs: 2,
    reads: [0],
  },
]
