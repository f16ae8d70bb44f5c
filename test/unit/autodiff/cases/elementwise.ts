import {
  bools,
  distinct,
  fixed,
  grid,
  input,
  ints,
  positive,
  shaped,
  small,
  weight,
  type Operand,
  type RuleCase,
} from '../../../helpers/gradient-check.js'

/** Operand pairs of every way to broadcast: none, scalar, channel, batch, both ways, more axes. */
const pairs: readonly (readonly [string, Operand, Operand])[] = [
  ['same shape', input(['N', 3, 2]), input(['N', 3, 2])],
  ['scalar constant', input(['N', 3]), weight([])],
  ['channel constant', input(['N', 3, 2, 2]), weight([3, 1, 1])],
  ['constant first', weight([1, 3]), input(['N', 3])],
  ['both stretched', input(['N', 1, 3]), input(['N', 2, 1])],
  ['fewer axes', input(['N', 2, 3]), weight([3])],
  ['more axes on the right', weight([3]), input(['N', 2, 3])],
  ['stretched over the batch', weight([1, 3]), input(['N', 1])],
]

const awayFromZero = (operand: Operand): Operand =>
  operand.kind === 'input' || operand.kind === 'weight' ? { ...operand, draw: positive } : operand
const apart = (first: Operand, second: Operand): readonly Operand[] =>
  [first, second].map((operand, k) =>
    operand.kind === 'input' || operand.kind === 'weight'
      ? {
          ...operand,
          draw: (rng, count) => distinct(rng, count).map((value) => value + 0.075 * k),
        }
      : operand,
  )

const unary = (op: string, draw = positive): RuleCase[] => [
  { op, label: '(N, 3)', inputs: [input(['N', 3], draw)] },
  { op, label: '(N, 2, 2, 2)', inputs: [input(['N', 2, 2, 2], draw)] },
]

export const elementwiseCases: readonly RuleCase[] = [
  ...['Add', 'Sub', 'Mul'].flatMap((op) =>
    pairs.map(([label, a, b]): RuleCase => ({ op, label, inputs: [a, b] })),
  ),
  ...pairs.map(([label, a, b]): RuleCase => ({ op: 'Div', label, inputs: [a, awayFromZero(b)] })),
  ...pairs.map(([label, a, b]): RuleCase => ({
    op: 'Pow',
    label: `computed exponent, ${label}`,
    inputs: [awayFromZero(a), b],
  })),
  ...['Max', 'Min'].flatMap((op) =>
    pairs.map(([label, a, b]): RuleCase => ({ op, label, inputs: apart(a, b) })),
  ),
  ...['Sum', 'Mean'].flatMap((op): RuleCase[] => [
    { op, label: 'one input', inputs: [input(['N', 3])] },
    {
      op,
      label: 'three inputs, broadcast',
      inputs: [input(['N', 3]), weight([1, 3]), input(['N', 1])],
    },
  ]),
  ...['Max', 'Min'].flatMap((op): RuleCase[] => [
    { op, label: 'one input', inputs: [input(['N', 3])] },
    {
      op,
      label: 'three inputs',
      inputs: [
        input(['N', 3], (rng, n) => distinct(rng, n)),
        weight([3], (rng, n) => distinct(rng, n).map((value) => value + 0.05)),
        input(['N', 1], (rng, n) => distinct(rng, n).map((value) => value + 0.1)),
      ],
    },
    { op, label: 'with 0.4', inputs: [input(['N', 3], distinct), fixed([], 0.43)] },
  ]),
  ...[2, 3, 0.5, -1, 1.7, 1].map((exponent): RuleCase => ({
    op: 'Pow',
    label: `constant exponent ${exponent}`,
    inputs: [input(['N', 3], positive), fixed([], exponent)],
  })),
  {
    op: 'Pow',
    label: 'squares of negative numbers, integer exponent',
    inputs: [input(['N', 3]), shaped([], 2)],
  },
  {
    op: 'Pow',
    label: 'an exponent per channel, one of them 0',
    inputs: [input(['N', 4], positive), fixed([4], 2, 0, -0.5, 3)],
  },
  {
    op: 'Pow',
    label: 'an integer exponent per channel',
    inputs: [input(['N', 3]), ints(2, 3, 1)],
  },
  {
    op: 'Where',
    label: 'same shape',
    inputs: [bools([1, 3], 1, 0, 1), input(['N', 3]), input(['N', 3])],
  },
  {
    op: 'Where',
    label: 'a constant on one side',
    inputs: [bools([3], 1, 0, 1), weight([]), input(['N', 3])],
  },
  {
    op: 'Where',
    label: 'branches stretched by the condition',
    inputs: [bools([2, 1, 3], 1, 0, 1, 0, 0, 1), input(['N', 1]), weight([3])],
  },
  ...['Identity', 'Neg', 'Abs', 'Exp', 'Sin', 'Cos', 'Sinh', 'Cosh', 'Atan', 'Erf'].flatMap((op) =>
    unary(op, small).map((one) => (op === 'Abs' ? { ...one, inputs: [input(['N', 5])] } : one)),
  ),
  ...['Tan', 'Asin', 'Acos', 'Asinh', 'Atanh'].flatMap((op) => unary(op, small)),
  ...unary('Acosh', (rng, count) => positive(rng, count).map((value) => value + 0.7)),
  {
    op: 'Mod',
    label: 'of floats',
    inputs: [
      input(['N', 3], grid(1, 0.2)),
      weight([3], (_, count) => Array.from({ length: count }, (_unused, k) => 1.7 + k)),
    ],
    attrs: { fmod: 1 },
  },
  ...['Sqrt', 'Log', 'Reciprocal'].flatMap((op) => unary(op)),
  { op: 'Dropout', label: 'inference', inputs: [input(['N', 3])] },
  {
    op: 'Dropout',
    label: 'with a ratio and training off',
    inputs: [input(['N', 3]), fixed([], 0.3), bools([], 0)],
  },
  { op: 'Cast', label: 'to float64', inputs: [input(['N', 3])], attrs: { to: 11 } },
  {
    op: 'Cast',
    label: 'to float32',
    inputs: [input(['N', 3])],
    attrs: { to: 1 },
    tolerance: 1e-3,
  },
  { op: 'CastLike', label: 'like another', inputs: [input(['N', 3]), fixed([1], 1)] },
]
