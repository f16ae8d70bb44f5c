import type { Attr, Graph, Node, Tensor, Value } from '../../../../../src/graph/ir.js'
import { tensorOf } from '../../../../../src/graph/tensor.js'
import {
  absent,
  bools,
  input,
  shaped,
  small,
  weight,
  type RuleCase,
} from '../../../../helpers/gradient-check.js'
import { nodeOf } from '../../../../helpers/graphs.js'

interface Body {
  readonly inputs?: readonly string[]
  readonly nodes: readonly Node[]
  readonly outputs: readonly string[]
  readonly constants?: Readonly<Record<string, Tensor>>
}

const opset = 18
/** Names say the type: `step` and `goesOn` are what a Loop hands in, all others are tensors that take theirs from outside. */
const valueOf = (name: string): Value =>
  name === 'step'
    ? { name, dtype: 'int64', dims: [] }
    : { name, dtype: name === 'goesOn' ? 'bool' : 'float32', dims: name === 'goesOn' ? [] : null }

export function body({ inputs = [], nodes, outputs, constants = {} }: Body): Attr {
  const value: Graph = {
    name: 'body',
    opsets: { '': opset },
    irVersion: 8,
    inputs: inputs.map(valueOf),
    outputs: outputs.map((name) => ({ name, dtype: 'float32', dims: null })),
    initializers: constants,
    nodes,
  }
  return { kind: 'graph', value }
}

const list = (...values: number[]): Tensor => tensorOf('int64', [values.length], values)
const goesOn = nodeOf('Identity', ['goesOn'], ['again'])
const loopInputs = ['step', 'goesOn', 'h'] as const
/** h ← tanh(h·W + x[step]), W (3, 3) and x (5, N, 3) from outside. */
const recurrence = [
  goesOn,
  nodeOf('Gather', ['x4', 'step'], ['now']),
  nodeOf('MatMul', ['h', 'x3'], ['kept']),
  nodeOf('Add', ['kept', 'now'], ['sum']),
  nodeOf('Tanh', ['sum'], ['next']),
]
const loopOperands = [input(['N', 3], small), weight([3, 3], small), input([5, 'N', 3], small)]
const slices = { num_scan_inputs: 1 }

export const controlCases: readonly RuleCase[] = [
  ...[1, 0].map((taken): RuleCase => ({
    op: 'If',
    label: taken === 1 ? 'a constant, then' : 'a constant, else',
    inputs: [bools([], taken), input(['N', 3])],
    captured: [1],
    attrs: {
      then_branch: body({ nodes: [nodeOf('Sin', ['x1'], ['a'])], outputs: ['a'] }),
      else_branch: body({
        nodes: [nodeOf('Mul', ['x1', 'two'], ['a'])],
        outputs: ['a'],
        constants: { two: tensorOf('float32', [1], [2]) },
      }),
    },
  })),
  {
    op: 'If',
    label: 'two outputs, one of them a value from outside; a branch in a branch',
    inputs: [bools([1], 1), input(['N', 3])],
    captured: [1],
    outputs: 2,
    attrs: {
      then_branch: body({
        nodes: [
          nodeOf('Exp', ['x1'], ['a']),
          nodeOf('If', ['yes'], ['b'], {
            then_branch: body({ nodes: [nodeOf('Mul', ['a', 'x1'], ['c'])], outputs: ['c'] }),
            else_branch: body({ nodes: [nodeOf('Neg', ['a'], ['c'])], outputs: ['c'] }),
          }),
          nodeOf('Identity', ['x1'], ['same']),
        ],
        outputs: ['b', 'same'],
        constants: { yes: tensorOf('bool', [], [1]) },
      }),
      else_branch: body({
        nodes: [nodeOf('Neg', ['x1'], ['a']), nodeOf('Abs', ['x1'], ['b'])],
        outputs: ['a', 'b'],
      }),
    },
  },
  {
    op: 'Loop',
    label: 'states and what is collected; values from outside',
    inputs: [shaped([], 5), absent, ...loopOperands],
    captured: [3, 4],
    outputs: 2,
    attrs: {
      body: body({ inputs: loopInputs, nodes: recurrence, outputs: ['again', 'next', 'sum'] }),
    },
  },
  {
    op: 'Loop',
    label: 'counts its own steps',
    inputs: [
      absent,
      bools([], 1),
      input(['N', 3], small),
      weight([3, 3], small),
      input([5, 'N', 3]),
      shaped([1], 0),
    ],
    captured: [3, 4],
    outputs: 3,
    reads: [0, 2],
    attrs: {
      body: body({
        inputs: ['step', 'goesOn', 'h', 'count'],
        nodes: [
          ...recurrence.slice(1),
          nodeOf('Add', ['count', 'two'], ['more']),
          nodeOf('Squeeze', ['more'], ['scalar']),
          nodeOf('Less', ['scalar', 'most'], ['again']),
        ],
        outputs: ['again', 'next', 'more', 'next'],
        constants: { two: list(2), most: tensorOf('int64', [], [6]) },
      }),
    },
  },
  {
    op: 'Loop',
    label: 'no step at all',
    inputs: [shaped([], 0), absent, input(['N', 3])],
    attrs: {
      body: body({
        inputs: loopInputs,
        nodes: [goesOn, nodeOf('Exp', ['h'], ['next'])],
        outputs: ['again', 'next'],
      }),
    },
  },
  {
    op: 'Loop',
    label: 'a loop in a loop, whose length is the step outside',
    inputs: [shaped([], 3), absent, input(['N', 3], small)],
    attrs: {
      body: body({
        inputs: loopInputs,
        nodes: [
          goesOn,
          nodeOf('Sin', ['h'], ['outer']),
          nodeOf('Loop', ['step', '', 'outer'], ['next'], {
            body: body({
              inputs: ['step', 'goesOn', 'k'],
              nodes: [
                nodeOf('Identity', ['goesOn'], ['inner_again']),
                nodeOf('Mul', ['k', 'outer'], ['product']),
                nodeOf('Add', ['product', 'h'], ['l']),
              ],
              outputs: ['inner_again', 'l'],
            }),
          }),
        ],
        outputs: ['again', 'next'],
      }),
    },
  },
  {
    op: 'Loop',
    label: 'fills a list',
    inputs: [shaped([], 3), absent, input([5, 'N', 3], small)],
    captured: [],
    attrs: {
      body: body({
        inputs: loopInputs,
        nodes: [
          goesOn,
          nodeOf('SplitToSequence', ['h', 'lengths'], ['parts'], { axis: 0 }),
          nodeOf('SequenceErase', ['parts', 'first'], ['two']),
          nodeOf('SequenceAt', ['two', 'last'], ['own']),
          nodeOf('Exp', ['own'], ['own_exp']),
          nodeOf('SequenceInsert', ['two', 'own_exp', 'first'], ['three']),
          nodeOf('SequenceLength', ['three'], ['count']),
          nodeOf('Cast', ['count'], ['count_float'], { to: 1 }),
          nodeOf('CastLike', ['count_float', 'h'], ['factor']),
          nodeOf('ConcatFromSequence', ['three'], ['whole'], { axis: 0 }),
          nodeOf('Slice', ['whole', 'from', 'to'], ['five']),
          nodeOf('Mul', ['five', 'factor'], ['next']),
        ],
        outputs: ['again', 'next'],
        constants: {
          lengths: list(2, 1, 2),
          first: tensorOf('int64', [], [0]),
          last: tensorOf('int64', [], [-1]),
          from: list(0),
          to: list(5),
        },
      }),
    },
  },
  {
    op: 'If',
    label: 'lists: of one each, joined along a new axis; the empty one; maybe a value',
    inputs: [bools([], 1), input([4, 'N', 3], small)],
    captured: [1],
    attrs: {
      then_branch: body({
        nodes: [
          nodeOf('SplitToSequence', ['x1'], ['rows'], { axis: 0, keepdims: 0 }),
          nodeOf('ConcatFromSequence', ['rows'], ['joined'], { axis: 1, new_axis: 1 }),
          nodeOf('SequenceEmpty', [], ['none'], { dtype: 1 }),
          nodeOf('Identity', ['none'], ['nothing']),
          nodeOf('SequenceLength', ['nothing'], ['zero']),
          nodeOf('SequenceConstruct', ['joined', 'x1'], ['pair']),
          nodeOf('SequenceAt', ['pair', 'zero'], ['a']),
          nodeOf('Optional', ['a'], ['maybe']),
          nodeOf('OptionalHasElement', ['maybe'], ['is']),
          nodeOf('OptionalGetElement', ['maybe'], ['b']),
          nodeOf('If', ['is'], ['c'], {
            then_branch: body({ nodes: [nodeOf('Sin', ['b'], ['d'])], outputs: ['d'] }),
            else_branch: body({ nodes: [nodeOf('Neg', ['b'], ['d'])], outputs: ['d'] }),
          }),
        ],
        outputs: ['c'],
      }),
      else_branch: body({ nodes: [nodeOf('Neg', ['x1'], ['a'])], outputs: ['a'] }),
    },
  },
  {
    op: 'If',
    label: 'lists: pieces of two, and what is left',
    inputs: [bools([], 1), input(['N', 5], small)],
    captured: [1],
    attrs: {
      then_branch: body({
        nodes: [
          nodeOf('SplitToSequence', ['x1', 'two'], ['parts'], { axis: -1 }),
          nodeOf('SequenceErase', ['parts'], ['fewer']),
          nodeOf('SequenceAt', ['fewer', 'one'], ['a']),
          nodeOf('Exp', ['a'], ['b']),
        ],
        outputs: ['b'],
        constants: { one: tensorOf('int64', [], [1]), two: tensorOf('int64', [], [2]) },
      }),
      else_branch: body({ nodes: [nodeOf('Neg', ['x1'], ['a'])], outputs: ['a'] }),
    },
  },
  {
    op: 'Scan',
    label: 'states and what is collected',
    inputs: [input(['N', 3], small), input([4, 'N', 3], small), weight([3, 3], small)],
    captured: [2],
    outputs: 2,
    attrs: {
      ...slices,
      body: body({
        inputs: ['h', 'now'],
        nodes: [
          nodeOf('MatMul', ['h', 'x2'], ['kept']),
          nodeOf('Add', ['kept', 'now'], ['sum']),
          nodeOf('Tanh', ['sum'], ['next']),
        ],
        outputs: ['next', 'sum'],
      }),
    },
  },
  {
    op: 'Scan',
    label: 'axes and directions of its own, two slices, no state',
    inputs: [input(['N', 4, 3], small), input(['N', 3, 4], small)],
    outputs: 2,
    attrs: {
      num_scan_inputs: 2,
      scan_input_axes: [1, -1],
      scan_input_directions: [0, 1],
      scan_output_axes: [1, -1],
      scan_output_directions: [1, 0],
      body: body({
        inputs: ['a', 'b'],
        nodes: [nodeOf('Mul', ['a', 'b'], ['product']), nodeOf('Sin', ['a'], ['sine'])],
        outputs: ['product', 'sine'],
      }),
    },
  },
]
