import { input, weight, type RuleCase } from '../../../../helpers/gradient-check.js'
import { float, floats } from '../../../../helpers/graphs.js'

const domain = 'com.microsoft'
const image = input(['N', 2, 5, 5])
const kernel = weight([3, 2, 3, 3])

const fusedConv = (activation: string, ...parameters: number[]): RuleCase => ({
  op: 'FusedConv',
  domain,
  label: activation,
  inputs: [image, kernel, weight([3])],
  attrs: {
    activation,
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    ...(parameters.length > 0 ? { activation_params: floats(...parameters) } : {}),
  },
})

export const msFusedCases: readonly RuleCase[] = [
  fusedConv('Relu'),
  fusedConv('Tanh'),
  fusedConv('Sigmoid'),
  fusedConv('LeakyRelu', 0.2),
  fusedConv('HardSigmoid', 0.01, 0.5),
  fusedConv('Clip', -50, 50),
  {
    op: 'FusedConv',
    domain,
    label: 'a sum and a stride',
    inputs: [image, kernel, weight([3]), input(['N', 3, 3, 3])],
    attrs: { activation: 'Tanh', strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    op: 'FusedGemm',
    domain,
    label: 'Relu',
    inputs: [input(['N', 4]), weight([4, 3]), weight([3])],
    attrs: { activation: 'Relu' },
  },
  {
    op: 'FusedGemm',
    domain,
    label: 'LeakyRelu, turned and scaled',
    inputs: [input(['N', 4]), weight([3, 4]), weight([3])],
    attrs: {
      activation: 'LeakyRelu',
      activation_alpha: float(0.3),
      transB: 1,
      alpha: float(0.5),
      beta: float(2),
    },
  },
  {
    op: 'FusedMatMul',
    domain,
    label: 'plain, scaled',
    inputs: [input(['N', 4]), weight([4, 3])],
    attrs: { alpha: float(0.3) },
  },
  {
    op: 'FusedMatMul',
    domain,
    label: 'transB',
    inputs: [input(['N', 2, 4]), input(['N', 3, 4])],
    attrs: { transB: 1 },
  },
  {
    op: 'FusedMatMul',
    domain,
    label: 'transA and transB',
    inputs: [input(['N', 4, 2]), input(['N', 3, 4])],
    attrs: { transA: 1, transB: 1 },
  },
  {
    op: 'FusedMatMul',
    domain,
    label: 'transBatchA',
    inputs: [input([3, 'N', 2, 4]), input(['N', 2, 4, 5])],
    attrs: { transBatchA: 1 },
  },
  {
    op: 'FusedMatMul',
    domain,
    label: 'transBatchB and transB',
    inputs: [input(['N', 2, 3, 4]), input([5, 'N', 2, 4])],
    attrs: { transBatchB: 1, transB: 1 },
  },
  {
    op: 'TransposeMatMul',
    domain,
    label: 'transB, scaled',
    inputs: [input(['N', 2, 4]), input(['N', 3, 4])],
    attrs: { transB: 1, alpha: float(0.5) },
  },
]
