import { describe, expect, it } from 'vitest'
import { convRules, lastConvRules } from '../../../src/autodiff/rules/conv.js'
import { matmulRules } from '../../../src/autodiff/rules/matmul.js'
import { rules } from '../../../src/autodiff/rules/index.js'
import { poolRules } from '../../../src/autodiff/rules/pool.js'
import type { Graph } from '../../../src/graph/ir.js'
import { tensorOfInts } from '../../../src/graph/tensor.js'
import {
  absent,
  checkRule,
  distinct,
  gradientsAt,
  input,
  normal,
  shaped,
  weight,
  type Operand,
  type RuleCase,
} from '../../helpers/gradient-check.js'
import { float, graphOf, nodeOf } from '../../helpers/graphs.js'

type Attrs = NonNullable<RuleCase['attrs']>
type Sizes = readonly number[]

/** `fixed`: the kernel is a constant that is not trained, which is when the fast forms of dX are used. */
const kernels = ['fixed', 'trained'] as const

/** Conv of images (N, C, ...size) with a kernel (M, C / group, ...taps); every case with and without dW. */
const conv = (
  label: string,
  [C, ...size]: Sizes,
  [M, ...taps]: Sizes,
  attrs: Attrs = {},
): RuleCase[] => {
  const group = typeof attrs['group'] === 'number' ? attrs['group'] : 1
  const dims = [M!, C! / group, ...taps]
  return kernels.map((kernel) => ({
    op: 'Conv',
    label: `${label}, ${kernel} kernel`,
    inputs: [
      input(['N', C!, ...size]),
      kernel === 'fixed' ? constant(dims) : weight(dims),
      kernel === 'fixed' ? absent : weight([M!]),
    ],
    attrs,
  }))
}

const convTranspose = (
  label: string,
  [C, ...size]: Sizes,
  [perGroup, ...taps]: Sizes,
  attrs: Attrs = {},
): RuleCase => {
  const group = typeof attrs['group'] === 'number' ? attrs['group'] : 1
  return {
    op: 'ConvTranspose',
    label,
    inputs: [
      input(['N', C!, ...size]),
      weight([C!, perGroup!, ...taps]),
      weight([perGroup! * group]),
    ],
    attrs,
  }
}

const pool = (op: string, label: string, dims: Sizes, attrs: Attrs = {}): RuleCase => ({
  op,
  label,
  inputs: [input(['N', ...dims], op.includes('Max') ? distinct : normal)],
  attrs,
})

/** A constant kernel of fixed pseudo-random numbers. */
function constant(dims: readonly number[]): Operand {
  const count = dims.reduce((a, b) => a * b, 1)
  const values = Array.from({ length: count }, (_, k) => Math.sin(3 * k + 1))
  return { kind: 'fixed', dims, values }
}

const p = (...pads: number[]): Attrs => ({ pads })
const s = (...strides: number[]): Attrs => ({ strides })

const convCases: readonly RuleCase[] = [
  // Enough channels and positions for the gradient of the kernel as products: by taps, by columns.
  ...conv('by taps', [5, 6, 6], [3, 3, 3], p(1, 1, 1, 1)),
  ...conv('by taps, uneven padding', [6, 7, 8], [2, 3, 2], p(0, 1, 2, 0)),
  ...conv('by taps, dilated', [5, 8, 8], [2, 3, 3], { ...p(2, 2, 2, 2), dilations: [2, 2] }),
  ...conv('by taps, 1×1 with stride 2', [5, 12, 12], [3, 1, 1], s(2, 2)),
  ...conv('by taps, one axis', [6, 40], [3, 5], p(2, 2)),
  ...conv('by columns', [2, 12, 12], [3, 3, 3], p(1, 1, 1, 1)),
  ...conv('by columns, one tap', [3, 12, 12], [2, 1, 1]),
  ...conv('1×1', [2, 4, 4], [3, 1, 1]),
  ...conv('3×3, padded', [2, 5, 5], [3, 3, 3], p(1, 1, 1, 1)),
  ...conv('3×3, no padding', [2, 5, 4], [3, 3, 3]),
  ...conv('more padding than the kernel reaches', [2, 4, 4], [2, 3, 3], p(3, 3, 3, 3)),
  ...conv('uneven padding', [1, 5, 5], [2, 3, 2], p(0, 1, 2, 0)),
  ...conv('dilated', [2, 7, 7], [2, 3, 3], { ...p(2, 2, 2, 2), dilations: [2, 2] }),
  ...conv('groups', [4, 5, 5], [6, 3, 3], { ...p(1, 1, 1, 1), group: 2 }),
  ...conv('depthwise', [3, 5, 5], [3, 3, 3], { ...p(1, 1, 1, 1), group: 3 }),
  ...conv('depthwise with a multiplier', [2, 5, 5], [4, 3, 3], { group: 2 }),
  ...conv('stride 2, even size', [2, 6, 6], [3, 3, 3], { ...p(1, 1, 1, 1), ...s(2, 2) }),
  ...conv('stride 2, odd size', [2, 7, 7], [3, 3, 3], { ...p(1, 1, 1, 1), ...s(2, 2) }),
  ...conv('stride 2, one even and one odd size', [1, 6, 7], [2, 3, 3], s(2, 2)),
  ...conv('stride 2, 4×4 kernel', [2, 8, 8], [3, 4, 4], { ...p(1, 1, 1, 1), ...s(2, 2) }),
  ...conv('stride 2, 5×5 kernel', [1, 9, 8], [2, 5, 5], { ...p(2, 2, 2, 2), ...s(2, 2) }),
  ...conv('stride 2, 2×2 kernel', [2, 6, 6], [2, 2, 2], s(2, 2)),
  ...conv('stride 2 over a 1×1 kernel', [2, 6, 5], [3, 1, 1], s(2, 2)),
  ...conv('stride 3', [2, 9, 9], [2, 3, 3], s(3, 3)),
  ...conv('stride 3, odd size', [1, 10, 8], [2, 5, 4], { ...p(1, 1, 2, 0), ...s(3, 3) }),
  ...conv('stride 3 over a 2×2 kernel', [2, 8, 8], [2, 2, 2], s(3, 3)),
  ...conv('strides 1 and 2', [1, 6, 6], [2, 3, 3], { ...p(1, 1, 1, 1), ...s(1, 2) }),
  ...conv('stride 2, dilated', [1, 8, 8], [2, 3, 3], {
    ...p(2, 2, 2, 2),
    ...s(2, 2),
    dilations: [2, 2],
  }),
  ...conv('stride 2, groups', [4, 6, 6], [4, 3, 3], { ...p(1, 1, 1, 1), ...s(2, 2), group: 2 }),
  ...conv('stride 2, depthwise', [3, 6, 8], [3, 3, 3], { ...p(1, 1, 1, 1), ...s(2, 2), group: 3 }),
  ...conv('stride 2, depthwise, 5×5', [16, 6, 6], [16, 5, 5], {
    ...p(2, 2, 2, 2),
    ...s(2, 2),
    group: 16,
  }),
  ...conv('stride 2, depthwise, uneven padding', [2, 6, 6], [2, 3, 3], {
    ...p(0, 0, 1, 1),
    ...s(2, 2),
    group: 2,
  }),
  ...conv('stride 2, depthwise, odd size', [2, 7, 7], [2, 3, 3], {
    ...p(1, 1, 1, 1),
    ...s(2, 2),
    group: 2,
  }),
  ...conv('stride 2, depthwise, no padding', [2, 6, 6], [2, 3, 3], { ...s(2, 2), group: 2 }),
  ...conv('stride 2, depthwise, 2×2 kernel', [2, 6, 6], [2, 2, 2], { ...s(2, 2), group: 2 }),
  ...conv('stride 2, depthwise over a 1×1 kernel', [2, 6, 6], [2, 1, 1], { ...s(2, 2), group: 2 }),
  ...conv('stride 3, depthwise', [2, 9, 6], [2, 5, 5], { ...p(2, 2, 2, 2), ...s(3, 3), group: 2 }),
  ...conv('stride 2, depthwise with a multiplier', [2, 6, 6], [4, 3, 3], {
    ...p(1, 1, 1, 1),
    ...s(2, 2),
    group: 2,
  }),
  ...conv('rows that no window reaches', [2, 8, 8], [2, 3, 3], s(3, 2)),
  ...conv('SAME_UPPER', [2, 6, 5], [2, 3, 3], { auto_pad: 'SAME_UPPER', ...s(2, 2) }),
  ...conv('SAME_LOWER', [2, 6, 5], [2, 3, 2], { auto_pad: 'SAME_LOWER', ...s(2, 2) }),
  ...conv('SAME_UPPER, stride 1, even kernel', [1, 5, 5], [2, 4, 2], { auto_pad: 'SAME_UPPER' }),
  ...conv('SAME_LOWER, stride 3', [1, 7, 8], [2, 4, 4], { auto_pad: 'SAME_LOWER', ...s(3, 3) }),
  ...conv('VALID', [2, 6, 6], [2, 3, 3], { auto_pad: 'VALID', ...s(2, 2) }),
  ...conv('1-D', [2, 9], [3, 3], p(1, 1)),
  ...conv('1-D, stride 2', [2, 9], [3, 4], { ...p(1, 2), ...s(2) }),
  ...conv('1-D, groups and dilation', [4, 9], [2, 3], { group: 2, dilations: [3] }),
  ...conv('3-D', [1, 4, 3, 4], [2, 2, 3, 2], p(0, 1, 0, 1, 1, 1)),
  ...conv('3-D, stride 2', [1, 5, 4, 4], [2, 3, 2, 2], s(2, 2, 2)),
]

const convTransposeCases: readonly RuleCase[] = [
  convTranspose('1×1', [2, 3, 3], [3, 1, 1]),
  convTranspose('3×3', [2, 4, 4], [3, 3, 3], p(1, 1, 1, 1)),
  convTranspose('stride 2', [2, 3, 4], [2, 3, 3], { ...s(2, 2), ...p(1, 1, 1, 1) }),
  convTranspose('stride 2, output padding', [2, 3, 3], [2, 3, 3], {
    ...s(2, 2),
    ...p(1, 1, 1, 1),
    output_padding: [1, 1],
  }),
  convTranspose('stride 3 over a 2×2 kernel', [2, 3, 3], [2, 2, 2], s(3, 3)),
  convTranspose('output padding beyond the kernel', [1, 3, 3], [2, 2, 2], {
    ...s(3, 3),
    output_padding: [2, 1],
  }),
  convTranspose('dilated', [2, 4, 4], [2, 2, 3], { dilations: [2, 2], ...p(1, 0, 0, 1) }),
  convTranspose('groups', [4, 3, 3], [3, 3, 3], { group: 2 }),
  convTranspose('groups, stride 2, output padding', [4, 3, 3], [1, 3, 2], {
    group: 4,
    ...s(2, 2),
    output_padding: [1, 0],
  }),
  convTranspose('output shape, SAME_UPPER', [2, 3, 3], [2, 3, 3], {
    auto_pad: 'SAME_UPPER',
    ...s(2, 2),
    output_shape: [6, 6],
  }),
  convTranspose('output shape, dilated', [1, 6], [1, 3], { dilations: [2], output_shape: [8] }),
  convTranspose('output shape, an odd rest', [1, 6], [1, 3], { output_shape: [7] }),
  convTranspose('SAME_LOWER', [2, 3, 3], [2, 3, 4], { auto_pad: 'SAME_LOWER', ...s(2, 2) }),
  convTranspose('1-D', [2, 5], [3, 4], { ...s(2), ...p(1, 0) }),
  convTranspose('3-D', [1, 2, 3, 2], [2, 2, 2, 3], s(2, 1, 2)),
]

const poolCases: readonly RuleCase[] = [
  {
    op: 'MaxUnpool',
    label: 'where the maxima were',
    inputs: [input([1, 1, 2, 2]), shaped([1, 1, 2, 2], 1, 2, 12, 15)],
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  pool('MaxPool', 'disjoint', [2, 4, 6], { kernel_shape: [2, 2], ...s(2, 2) }),
  pool('MaxPool', 'disjoint, a rest', [2, 5, 5], { kernel_shape: [2, 2], ...s(2, 2) }),
  pool('MaxPool', 'overlapping', [2, 5, 5], { kernel_shape: [3, 3], ...s(1, 1) }),
  pool('MaxPool', 'overlapping, padded, stride 2', [2, 7, 7], {
    kernel_shape: [3, 3],
    ...s(2, 2),
    ...p(1, 1, 1, 1),
  }),
  pool('MaxPool', 'stride beyond the kernel', [1, 8, 8], { kernel_shape: [2, 2], ...s(3, 3) }),
  pool('MaxPool', 'ceil_mode', [1, 6, 6], { kernel_shape: [3, 3], ...s(2, 2), ceil_mode: 1 }),
  pool('MaxPool', 'ceil_mode, disjoint', [1, 5, 5], {
    kernel_shape: [2, 2],
    ...s(2, 2),
    ceil_mode: 1,
  }),
  pool('MaxPool', 'dilated', [1, 7, 7], { kernel_shape: [2, 2], dilations: [2, 2] }),
  pool('MaxPool', 'SAME_UPPER', [1, 5, 5], { kernel_shape: [2, 2], auto_pad: 'SAME_UPPER' }),
  pool('MaxPool', 'SAME_LOWER, stride 2', [1, 5, 5], {
    kernel_shape: [3, 3],
    ...s(2, 2),
    auto_pad: 'SAME_LOWER',
  }),
  pool('MaxPool', 'column-major indices', [1, 4, 5], { kernel_shape: [2, 2], storage_order: 1 }),
  pool('MaxPool', '1-D', [2, 7], { kernel_shape: [3], ...s(2) }),
  pool('MaxPool', '3-D', [1, 4, 4, 4], { kernel_shape: [2, 2, 2], ...s(2, 2, 2) }),
  {
    ...pool('MaxPool', 'with indices, which have no gradient', [1, 4, 4], {
      kernel_shape: [2, 2],
      ...s(2, 2),
    }),
    outputs: 2,
    reads: [0],
  },
  pool('AveragePool', 'disjoint', [2, 4, 6], { kernel_shape: [2, 2], ...s(2, 2) }),
  pool('AveragePool', 'overlapping, padded', [2, 5, 5], { kernel_shape: [3, 3], ...p(1, 1, 1, 1) }),
  pool('AveragePool', 'padding counted', [2, 5, 5], {
    kernel_shape: [3, 3],
    ...p(1, 1, 1, 1),
    ...s(2, 2),
    count_include_pad: 1,
  }),
  pool('AveragePool', 'ceil_mode', [1, 6, 6], { kernel_shape: [3, 3], ...s(2, 2), ceil_mode: 1 }),
  pool('AveragePool', 'ceil_mode, padding counted', [1, 6, 6], {
    kernel_shape: [3, 3],
    ...s(2, 2),
    ...p(1, 1, 0, 0),
    ceil_mode: 1,
    count_include_pad: 1,
  }),
  pool('AveragePool', 'ceil_mode, padding counted, none declared', [1, 10], {
    kernel_shape: [3],
    ...s(2),
    ceil_mode: 1,
    count_include_pad: 1,
  }),
  pool('AveragePool', 'stride beyond the kernel', [2, 8, 7], { kernel_shape: [2, 2], ...s(3, 3) }),
  pool('AveragePool', 'SAME_UPPER', [1, 5, 5], { kernel_shape: [2, 2], auto_pad: 'SAME_UPPER' }),
  pool('AveragePool', 'SAME_LOWER, stride 2', [1, 6, 6], {
    kernel_shape: [3, 3],
    ...s(2, 2),
    auto_pad: 'SAME_LOWER',
  }),
  pool('AveragePool', '1-D', [2, 7], { kernel_shape: [3], ...s(2), ...p(1, 1) }),
  pool('AveragePool', '3-D', [1, 4, 4, 3], { kernel_shape: [2, 2, 3] }),
  pool('GlobalAveragePool', '2-D', [3, 4, 5]),
  pool('GlobalAveragePool', '1-D', [3, 5]),
  pool('GlobalMaxPool', '2-D', [3, 4, 5]),
  pool('GlobalMaxPool', '3-D', [2, 2, 3, 2]),
]

const gemm = (label: string, dims: readonly Sizes[], attrs: Attrs = {}): RuleCase => ({
  op: 'Gemm',
  label,
  inputs: dims.map((size) => weight(size)),
  attrs,
})
const matmul = (label: string, a: Operand, b: Operand): RuleCase => ({
  op: 'MatMul',
  label,
  inputs: [a, b],
})

const matmulCases: readonly RuleCase[] = [
  gemm('plain', [
    [2, 3],
    [3, 4],
  ]),
  gemm('with a row', [[2, 3], [3, 4], [4]]),
  gemm('with a column', [
    [2, 3],
    [3, 4],
    [2, 1],
  ]),
  gemm('with a scalar', [[2, 3], [3, 4], []]),
  gemm(
    'A transposed',
    [
      [3, 2],
      [3, 4],
      [1, 4],
    ],
    { transA: 1 },
  ),
  gemm(
    'B transposed',
    [
      [2, 3],
      [4, 3],
      [2, 4],
    ],
    { transB: 1 },
  ),
  gemm('both transposed, scaled', [[3, 2], [4, 3], [4]], {
    transA: 1,
    transB: 1,
    alpha: float(0.5),
    beta: float(-2),
  }),
  {
    op: 'Gemm',
    label: 'a batch of rows',
    inputs: [input(['N', 3]), weight([4, 3]), weight([4])],
    attrs: { transB: 1 },
  },
  matmul('matrices', weight([2, 3]), weight([3, 4])),
  matmul('a batch of rows', input(['N', 3]), weight([3, 4])),
  matmul('a batch of matrices', input(['N', 2, 3]), weight([3, 4])),
  matmul('two batches', input(['N', 2, 3]), input(['N', 3, 4])),
  matmul('heads', input(['N', 2, 3, 4]), input(['N', 2, 4, 3])),
  matmul('leading axes stretched', input(['N', 1, 2, 3]), weight([4, 3, 2])),
  matmul('a constant on the left', weight([4, 3]), input(['N', 3, 2])),
  matmul('a row vector', weight([3]), input(['N', 3, 2])),
  matmul('a column vector', input(['N', 2, 3]), weight([3])),
  matmul('two vectors', weight([3]), weight([3])),
]

/** Kernels that are trained, by the forms of gradients that are not differentiated again. */
const lastCases = [...convCases, ...convTransposeCases]
  .filter(({ inputs }) => inputs[1]!.kind === 'weight')
  .map((one): RuleCase => ({ ...one, rules: { ...rules, ...lastConvRules } }))

const families = { convCases, convTransposeCases, poolCases, matmulCases, lastCases }

it('every rule has a case', () => {
  const covered = new Set(Object.values(families).flatMap((cases) => cases.map((one) => one.op)))
  const rules = Object.keys({ ...convRules, ...poolRules, ...matmulRules })
  expect(rules.filter((op) => !covered.has(op))).toEqual([])
})

describe.each(Object.entries(families))('%s', (_, cases) => {
  it.each(cases)('$op: $label', async (one) => {
    const { precisions } = await checkRule(one)
    expect(precisions).toContain('float32')
  })
})

// PyTorch: the first of equal elements of a window gets all of its gradient.
describe('MaxPool with ties', () => {
  const size = tensorOfInts([4], [1, 1, 3, 4])
  const onImage = (attrs: Attrs): Graph =>
    graphOf({
      inputs: { x: [1, 12] },
      initializers: { size },
      nodes: [
        nodeOf('Reshape', ['x', 'size'], ['image']),
        nodeOf('MaxPool', ['image'], ['y'], attrs),
      ],
    })
  const flat = [1, 1, 2, 2, 1, 1, 2, 2, 0, 0, 0, 0]

  it('disjoint windows', async () => {
    const graph = onImage({ kernel_shape: [2, 2], strides: [2, 2] })
    expect((await gradientsAt(graph, flat)).x).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  })

  it('overlapping windows', async () => {
    const graph = onImage({ kernel_shape: [2, 2] })
    expect((await gradientsAt(graph, flat)).x).toEqual([1, 0, 2, 0, 1, 0, 2, 0, 0, 0, 0, 0])
  })

  it('padded windows', async () => {
    const graph = onImage({ kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })
    expect((await gradientsAt(graph, flat)).x).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0])
  })
})
