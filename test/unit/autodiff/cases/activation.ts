import {
  absent,
  fixed,
  grid,
  input,
  normal,
  weight,
  type Operand,
  type RuleCase,
} from '../../../helpers/gradient-check.js'
import { float } from '../../../helpers/graphs.js'

const shapes: readonly Operand[] = [input(['N', 6]), input(['N', 2, 2, 3])]

const plain = [
  'Relu',
  'Sigmoid',
  'Tanh',
  'Softplus',
  'Softsign',
  'Elu',
  'Selu',
  'Celu',
  'LeakyRelu',
  'Mish',
]

/** Reaches beyond both ends of the hard ramps without hitting a corner. */
const wide = grid(1, 0.3)

export const activationCases: readonly RuleCase[] = [
  {
    op: 'Shrink',
    label: 'hard',
    inputs: [input(['N', 5], grid(0.4, 0.1))],
    attrs: { lambd: float(0.6) },
    tolerance: 1e-3,
  },
  {
    op: 'Shrink',
    label: 'soft',
    inputs: [input(['N', 5], grid(0.4, 0.1))],
    attrs: { lambd: float(0.6), bias: float(0.6) },
    tolerance: 1e-3,
  },
  ...plain.flatMap((op) =>
    shapes.map((one, k): RuleCase => ({ op, label: `shape ${k + 1}`, inputs: [one] })),
  ),
  ...[0, 0.2, 1, 1.5, -0.5].map((alpha): RuleCase => ({
    op: 'LeakyRelu',
    label: `alpha ${alpha}`,
    inputs: [input(['N', 6])],
    attrs: { alpha: float(alpha) },
  })),
  ...[0.5, 2].flatMap((alpha) =>
    ['Elu', 'Celu'].map((op): RuleCase => ({
      op,
      label: `alpha ${alpha}`,
      inputs: [input(['N', 6])],
      attrs: { alpha: float(alpha) },
    })),
  ),
  {
    op: 'Selu',
    label: 'own alpha and gamma',
    inputs: [input(['N', 6])],
    attrs: { alpha: float(0.7), gamma: float(1.3) },
  },
  { op: 'PRelu', label: 'one slope', inputs: [input(['N', 6]), weight([1])] },
  { op: 'PRelu', label: 'a slope per channel', inputs: [input(['N', 3, 2, 2]), weight([3, 1, 1])] },
  { op: 'PRelu', label: 'computed slopes', inputs: [input(['N', 3]), input(['N', 3])] },
  { op: 'ThresholdedRelu', label: 'default', inputs: [input(['N', 6], wide)] },
  ...[0.5, 0, -1.5].map((alpha): RuleCase => ({
    op: 'ThresholdedRelu',
    label: `alpha ${alpha}`,
    inputs: [input(['N', 9], wide)],
    attrs: { alpha: float(alpha) },
  })),
  { op: 'HardSigmoid', label: 'default', inputs: [input(['N', 9], wide)] },
  {
    op: 'HardSigmoid',
    label: 'alpha 0.125, beta 0.5',
    inputs: [input(['N', 9], wide)],
    attrs: { alpha: float(0.125), beta: float(0.5) },
  },
  { op: 'HardSwish', label: 'on all three pieces', inputs: [input(['N', 9], wide)] },
  {
    op: 'Clip',
    label: 'two borders',
    inputs: [input(['N', 9], wide), weight([], () => [-1]), weight([], () => [2])],
  },
  { op: 'Clip', label: 'min only', inputs: [input(['N', 9], wide), weight([], () => [0])] },
  { op: 'Clip', label: 'max only', inputs: [input(['N', 9], wide), absent, weight([], () => [1])] },
  { op: 'Clip', label: 'no border', inputs: [input(['N', 3])] },
  {
    op: 'Clip',
    label: 'relu6',
    inputs: [input(['N', 9], grid(2, 0.3)), fixed([], 0), fixed([], 6)],
  },
  ...['none', 'tanh'].map((approximate): RuleCase => ({
    op: 'Gelu',
    label: approximate,
    inputs: [input(['N', 6])],
    attrs: { approximate },
    opset: 20,
  })),
  ...['Softmax', 'LogSoftmax'].flatMap((op): RuleCase[] => [
    { op, label: 'last axis', inputs: [input(['N', 5])] },
    { op, label: 'axis 1 of 4', inputs: [input(['N', 4, 2, 2])], attrs: { axis: 1 } },
    { op, label: 'axis -2', inputs: [input(['N', 3, 2], normal)], attrs: { axis: -2 } },
  ]),
]
