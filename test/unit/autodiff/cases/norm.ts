import { fixed, input, positive, weight, type RuleCase } from '../../../helpers/gradient-check.js'
import { float } from '../../../helpers/graphs.js'

const batchNorm = (channels: number): RuleCase['inputs'] => [
  weight([channels]),
  weight([channels]),
  weight([channels]),
  weight([channels], positive),
]

export const normCases: readonly RuleCase[] = [
  {
    op: 'BatchNormalization',
    label: 'images',
    inputs: [input(['N', 3, 2, 2]), ...batchNorm(3)],
  },
  { op: 'BatchNormalization', label: 'vectors', inputs: [input(['N', 3]), ...batchNorm(3)] },
  {
    op: 'BatchNormalization',
    label: 'one axis, own epsilon',
    inputs: [input(['N', 2, 5]), ...batchNorm(2)],
    attrs: { epsilon: float(0.1) },
  },
  {
    op: 'BatchNormalization',
    label: 'computed scale',
    inputs: [input(['N', 2, 3]), input([2]), ...batchNorm(2).slice(1)],
  },
  {
    op: 'InstanceNormalization',
    label: 'images',
    inputs: [input(['N', 2, 3, 3]), weight([2]), weight([2])],
  },
  {
    op: 'InstanceNormalization',
    label: 'one axis, own epsilon',
    inputs: [input(['N', 3, 4]), weight([3]), weight([3])],
    attrs: { epsilon: float(0.1) },
  },
  {
    op: 'LayerNormalization',
    label: 'mean and deviation as outputs',
    // ONNX Runtime gives both in single precision, whatever the precision of X.
    tolerance: 1e-3,
    inputs: [input(['N', 3, 4]), weight([4]), weight([4])],
    outputs: 3,
  },
  {
    op: 'LayerNormalization',
    label: 'the deviation alone, two axes',
    inputs: [input(['N', 3, 4]), fixed([3, 4], 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3)],
    attrs: { axis: 1 },
    tolerance: 1e-3,
    outputs: 3,
    reads: [2],
  },
  {
    op: 'LayerNormalization',
    label: 'last axis',
    inputs: [input(['N', 3, 4]), weight([4]), weight([4])],
  },
  {
    op: 'LayerNormalization',
    label: 'from axis 1 on, own epsilon',
    inputs: [input(['N', 2, 3]), weight([2, 3]), weight([2, 3])],
    attrs: { axis: 1, epsilon: float(0.1) },
  },
  { op: 'LayerNormalization', label: 'no bias', inputs: [input(['N', 5]), weight([5])] },
  {
    op: 'LayerNormalization',
    label: 'one scale for two axes',
    inputs: [input(['N', 2, 4]), weight([4]), weight([1, 4])],
    attrs: { axis: -2 },
  },
  {
    op: 'GroupNormalization',
    label: 'per group',
    inputs: [input(['N', 4, 2, 2]), weight([2]), weight([2])],
    attrs: { num_groups: 2 },
  },
  {
    op: 'GroupNormalization',
    label: 'per channel',
    inputs: [input(['N', 4, 3]), weight([4]), weight([4])],
    attrs: { num_groups: 2 },
    opset: 21,
    tolerance: 2e-4,
  },
  ...[1, 2].flatMap((p): RuleCase[] => [
    { op: 'LpNormalization', label: `p ${p}`, inputs: [input(['N', 4])], attrs: { p } },
    {
      op: 'LpNormalization',
      label: `p ${p}, axis 1 of 3`,
      inputs: [input(['N', 3, 2])],
      attrs: { p, axis: 1 },
    },
  ]),
  ...[3, 5].map((size): RuleCase => ({
    op: 'LRN',
    label: `size ${size}`,
    inputs: [input(['N', 5, 2, 2])],
    attrs: { size, alpha: float(0.5), beta: float(0.75), bias: float(1.5) },
  })),
]
