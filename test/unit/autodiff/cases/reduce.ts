import {
  distinct,
  input,
  ints,
  positive,
  shaped,
  type Operand,
  type RuleCase,
} from '../../../helpers/gradient-check.js'

const draws = {
  ReduceSum: undefined,
  ReduceMean: undefined,
  ReduceMax: distinct,
  ReduceMin: distinct,
  ReduceProd: positive,
  ReduceL1: undefined,
  ReduceL2: positive,
  ReduceSumSquare: undefined,
  ReduceLogSum: positive,
  ReduceLogSumExp: undefined,
} as const

type Form = readonly [string, readonly (number | 'N')[], readonly number[] | null, number]

const forms: readonly Form[] = [
  ['last axis kept', ['N', 2, 3], [-1], 1],
  ['last axis dropped', ['N', 2, 3], [2], 0],
  ['two axes dropped, out of order', ['N', 2, 3, 2], [3, 1], 0],
  ['the batch axis', ['N', 3], [0], 0],
  ['all axes', ['N', 3], null, 0],
  ['all axes kept', ['N', 3], null, 1],
]

export const reduceCases: readonly RuleCase[] = [
  ...Object.entries(draws).flatMap(([op, draw]) =>
    forms.map(([label, dims, axes, keepdims]): RuleCase => {
      const operands: Operand[] = [input(dims, draw)]
      if (axes) operands.push(ints(...axes))
      return { op, label, inputs: operands, attrs: { keepdims } }
    }),
  ),
  ...Object.entries(draws).map(([op, draw]): RuleCase => ({
    op,
    label: 'no axes, a no-op',
    inputs: [input(['N', 3], draw), ints()],
    attrs: { noop_with_empty_axes: 1 },
  })),
  {
    op: 'ReduceProd',
    label: 'negative numbers',
    inputs: [input(['N', 2, 3]), ints(1)],
  },
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse): RuleCase => ({
      op: 'CumSum',
      label: `exclusive ${exclusive}, reverse ${reverse}`,
      inputs: [input(['N', 4]), shaped([], 1)],
      attrs: { exclusive, reverse },
    })),
  ),
]
