import { tensorOf } from '../../../../../src/graph/tensor.js'
import { input, small, weight, type RuleCase } from '../../../../helpers/gradient-check.js'
import { float, floats } from '../../../../helpers/graphs.js'

const [T, I, H] = [4, 3, 2]
const absent = { kind: 'absent' } as const
const gateCount: Readonly<Record<string, number>> = { RNN: 1, GRU: 3, LSTM: 4 }
const int32s = (...values: number[]): RuleCase['inputs'][number] => ({
  kind: 'tensor',
  tensor: tensorOf('int32', [values.length], values),
})

interface Options {
  readonly label: string
  readonly attrs?: RuleCase['attrs']
  readonly directions?: 1 | 2
  readonly bias?: boolean
  readonly states?: boolean
  readonly lengths?: readonly number[]
  readonly peepholes?: boolean
  readonly unnamed?: readonly number[]
}

function cell(op: string, options: Options): RuleCase {
  const D = options.directions ?? 1
  const G = gateCount[op]!
  const N = options.lengths ? options.lengths.length : 'N'
  const state = options.states ? input([D, N, H], small) : absent
  const inputs = [
    input([T, N, I], small),
    weight([D, G * H, I], small),
    weight([D, G * H, H], small),
    options.bias === false ? absent : weight([D, 2 * G * H], small),
    options.lengths ? int32s(...options.lengths) : absent,
    state,
    ...(op === 'LSTM' ? [state, options.peepholes ? weight([D, 3 * H], small) : absent] : []),
  ]
  return {
    op,
    label: options.label,
    inputs,
    outputs: op === 'LSTM' ? 3 : 2,
    attrs: {
      hidden_size: H,
      ...options.attrs,
      ...(D === 2 ? { direction: 'bidirectional' } : {}),
    },
    ...(options.unnamed ? { unnamed: options.unnamed } : {}),
  }
}

const names = (...value: string[]) => ({ kind: 'strings' as const, value })

const common = ['RNN', 'GRU', 'LSTM'].flatMap((op): RuleCase[] => [
  cell(op, { label: 'forward' }),
  cell(op, { label: 'no bias', bias: false }),
  cell(op, { label: 'initial states', states: true }),
  cell(op, { label: 'reverse', attrs: { direction: 'reverse' } }),
  cell(op, { label: 'both directions, initial states', directions: 2, states: true }),
  cell(op, { label: 'lengths of their own', lengths: [4, 2, 1], states: true }),
  cell(op, { label: 'lengths, both directions', lengths: [1, 3, 4], directions: 2 }),
  cell(op, { label: 'the last state alone', unnamed: [0] }),
])

export const recurrentCases: readonly RuleCase[] = [
  ...common,
  ...(
    [
      ['Tanh', [], []],
      ['Sigmoid', [], []],
      ['Softsign', [], []],
      ['Softplus', [], []],
      ['ScaledTanh', [0.7], [0.6]],
      ['Affine', [0.7], [0.2]],
    ] as const
  ).map(([activation, alpha, beta]) =>
    cell('RNN', {
      label: activation,
      states: true,
      attrs: {
        activations: names(activation),
        ...(alpha.length > 0 ? { activation_alpha: floats(...alpha) } : {}),
        ...(beta.length > 0 ? { activation_beta: floats(...beta) } : {}),
      },
    }),
  ),
  cell('RNN', {
    label: 'Elu forth, HardSigmoid back',
    directions: 2,
    attrs: {
      activations: names('Elu', 'HardSigmoid'),
      activation_alpha: floats(1, 0.1),
      activation_beta: floats(0.4),
    },
  }),
  cell('GRU', {
    label: 'reset after the product',
    attrs: { linear_before_reset: 1 },
    states: true,
  }),
  cell('GRU', {
    label: 'reset after the product, both directions',
    attrs: { linear_before_reset: 1 },
    directions: 2,
  }),
  cell('LSTM', { label: 'peepholes', peepholes: true, states: true }),
  cell('LSTM', { label: 'peepholes, both directions', peepholes: true, directions: 2 }),
  cell('LSTM', { label: 'coupled gates', attrs: { input_forget: 1 } }),
  cell('LSTM', {
    label: 'coupled gates, peepholes',
    attrs: { input_forget: 1 },
    peepholes: true,
  }),
  cell('GRU', {
    label: 'reset after the product, no bias',
    attrs: { linear_before_reset: 1 },
    bias: false,
  }),
  cell('GRU', {
    label: 'reset after the product, lengths',
    attrs: { linear_before_reset: 1 },
    lengths: [2, 4, 3],
  }),
  cell('GRU', { label: 'one step', lengths: [1, 1], directions: 2 }),
  cell('LSTM', {
    label: 'other activations in each direction',
    directions: 2,
    attrs: {
      activations: names('HardSigmoid', 'Softsign', 'Tanh', 'Sigmoid', 'Tanh', 'ScaledTanh'),
      activation_alpha: floats(0.25, 0.8),
      activation_beta: floats(0.5, 0.9),
    },
  }),
  cell('LSTM', { label: 'the whole sequence alone', unnamed: [1, 2] }),
  cell('LSTM', { label: 'a clip', attrs: { clip: float(0.5) } }),
]
