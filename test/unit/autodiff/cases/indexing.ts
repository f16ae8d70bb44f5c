import {
  bools,
  computed,
  distinct,
  input,
  ints,
  shaped,
  weight,
  type RuleCase,
} from '../../../helpers/gradient-check.js'

export const indexingCases: readonly RuleCase[] = [
  {
    op: 'OneHot',
    label: 'the two values',
    inputs: [shaped([3], 1, 0, 3), shaped([], 4), weight([2])],
  },
  {
    op: 'OneHot',
    label: 'another axis, indices from the end',
    inputs: [shaped([2, 2], 1, -1, 0, 2), shaped([], 3), weight([2])],
    attrs: { axis: 1 },
  },
  {
    op: 'Compress',
    label: 'an axis',
    inputs: [input(['N', 4, 2]), bools([4], 1, 0, 0, 1)],
    attrs: { axis: 1 },
  },
  {
    op: 'Compress',
    label: 'a short condition',
    inputs: [input(['N', 4]), bools([2], 0, 1)],
    attrs: { axis: -1 },
  },
  { op: 'Compress', label: 'flat', inputs: [input([2, 3]), bools([6], 1, 0, 0, 1, 1, 0)] },
  { op: 'ReverseSequence', label: 'time first', inputs: [input([4, 3, 2]), shaped([3], 1, 2, 4)] },
  {
    op: 'ReverseSequence',
    label: 'batch first',
    inputs: [input([3, 4]), shaped([3], 1, 2, 4)],
    attrs: { batch_axis: 0, time_axis: 1 },
  },
  {
    op: 'GatherND',
    label: 'one batch axis',
    inputs: [input([2, 3, 4]), shaped([2, 2, 1], 1, 0, 2, 2)],
    attrs: { batch_dims: 1 },
  },
  {
    op: 'GatherND',
    label: 'two batch axes',
    inputs: [input([2, 2, 3]), shaped([2, 2, 1], 1, 0, 2, 2)],
    attrs: { batch_dims: 2 },
  },
  {
    op: 'GatherND',
    label: 'one batch axis, elements',
    inputs: [input([2, 3, 2]), shaped([2, 1, 2], 1, 0, 2, 1)],
    attrs: { batch_dims: 1 },
  },
  {
    op: 'Gather',
    label: 'one entry',
    inputs: [input(['N', 4, 2]), shaped([], 1)],
    attrs: { axis: 1 },
  },
  {
    op: 'Gather',
    label: 'last entry',
    inputs: [input(['N', 4]), shaped([], -1)],
    attrs: { axis: 1 },
  },
  { op: 'Gather', label: 'a run', inputs: [input(['N', 5]), ints(1, 2, 3)], attrs: { axis: -1 } },
  {
    op: 'Gather',
    label: 'a permutation of channels',
    inputs: [input(['N', 3, 2, 2]), ints(2, 1, 0)],
    attrs: { axis: 1 },
  },
  {
    op: 'Gather',
    label: 'a selection',
    inputs: [input(['N', 5, 2]), ints(3, 0)],
    attrs: { axis: 1 },
  },
  {
    op: 'Gather',
    label: 'repeated',
    inputs: [input(['N', 3, 2]), ints(1, 1, 2, 1)],
    attrs: { axis: 1 },
  },
  {
    op: 'Gather',
    label: 'a table of indices',
    inputs: [input(['N', 4, 2]), shaped([2, 2], 3, 0, 1, 2)],
    attrs: { axis: 1 },
  },
  {
    op: 'Gather',
    label: 'a table with repetitions',
    inputs: [input(['N', 4, 2]), shaped([2, 2], 3, 0, 3, -1)],
    attrs: { axis: 1 },
  },
  {
    op: 'Gather',
    label: 'computed indices',
    inputs: [input(['N', 4, 2]), computed([3], 0, 2, 0)],
    attrs: { axis: 1 },
  },
  {
    op: 'Gather',
    label: 'a computed index',
    inputs: [input(['N', 4, 2]), computed([], 2)],
    attrs: { axis: 1 },
  },
  { op: 'Gather', label: 'samples of the batch', inputs: [input(['N', 2]), ints(0, 0, 1)] },
  {
    op: 'Gather',
    label: 'rows of an embedding',
    inputs: [weight([5, 3]), computed([2, 2], 4, 0, 4, 1)],
  },
  {
    op: 'GatherElements',
    label: 'axis 1, repeated',
    inputs: [weight([2, 3]), shaped([2, 2], 0, 0, 2, -1)],
    attrs: { axis: 1 },
  },
  { op: 'GatherElements', label: 'axis 0', inputs: [input(['N', 2]), shaped([1, 2], 1, 0)] },
  {
    op: 'GatherND',
    label: 'elements',
    inputs: [input(['N', 3]), shaped([3, 2], 0, 1, 1, 2, 0, 1)],
  },
  { op: 'GatherND', label: 'rows', inputs: [input(['N', 3]), shaped([2, 1], 1, 0)] },
  {
    op: 'TopK',
    label: 'the 2 greatest',
    inputs: [input(['N', 5], distinct), ints(2)],
    outputs: 2,
    reads: [0],
  },
  {
    op: 'TopK',
    label: 'the 2 least along axis 1',
    inputs: [input(['N', 4, 2], distinct), ints(2)],
    attrs: { axis: 1, largest: 0 },
    outputs: 2,
    reads: [0],
  },
]

export const scatteringCases: readonly RuleCase[] = ['none', 'add', 'mul', 'max', 'min'].flatMap(
  (reduction): RuleCase[] => {
    // Where it adds up, a place may be written twice.
    const last = reduction === 'none' ? 2 : 1
    return [
      {
        op: 'ScatterElements',
        label: reduction,
        inputs: [input(['N', 4]), shaped([2, 2], 3, 0, 1, last), weight([2, 2])],
        attrs: { axis: 1, reduction },
      },
      {
        op: 'ScatterND',
        label: reduction,
        inputs: [input(['N', 3]), shaped([2, 2], 0, 1, last === 2 ? 1 : 0, last), weight([2])],
        attrs: { reduction },
      },
    ]
  },
)
