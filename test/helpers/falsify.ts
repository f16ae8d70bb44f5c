import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dim, Graph, Node, Tensor } from '../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../src/graph/tensor.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { graphOf, nodeOf } from './graphs.js'

/** Small networks with properties whose answers are known. */

export function propertyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'gauntlet-falsify-'))
}

/** Writes a network and a property of it. @returns their paths */
export function writePair(
  folder: string,
  name: string,
  { graph, property }: KnownCase,
): { model: string; property: string } {
  const paths = { model: join(folder, `${name}.onnx`), property: join(folder, `${name}.vnnlib`) }
  writeFileSync(paths.model, encodeModel(graph))
  writeFileSync(paths.property, property)
  return paths
}

/** Declarations, a box for every input, and assertions. */
export function propertyText(
  box: readonly (readonly [number | string, number | string])[],
  outputs: number,
  ...assertions: readonly string[]
): string {
  return [
    ...box.map((_, i) => `(declare-const X_${i} Real)`),
    ...Array.from({ length: outputs }, (_, i) => `(declare-const Y_${i} Real)`),
    ...box.map(([low, high], i) => `(assert (and (<= ${low} X_${i}) (<= X_${i} ${high})))`),
    ...assertions.map((one) => `(assert ${one})`),
  ].join('\n')
}

export interface KnownCase {
  readonly graph: Graph
  readonly property: string
}

const times = <T>(n: number, one: T): T[] => Array.from({ length: n }, () => one)

/** Input `x`, output `y`. */
function network(
  dims: readonly Dim[],
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>> = {},
): Graph {
  return graphOf({ inputs: { x: dims }, nodes, initializers })
}

const floats = (dims: readonly number[], ...values: number[]): Tensor =>
  tensorOfFloats(dims, values)

/** y = x */
const identity = (width: number): Graph => network([1, width], [nodeOf('Identity', ['x'], ['y'])])

/** y = relu(1 − Σ |x − c| / r): a hill of radius r, flat everywhere else. */
function hill(width: number, centre: number, radius: number): Graph {
  return network(
    [1, width],
    [
      nodeOf('Sub', ['x', 'c'], ['d']),
      nodeOf('Abs', ['d'], ['a']),
      nodeOf('Mul', ['a', 's'], ['scaled']),
      nodeOf('ReduceSum', ['scaled', 'axes'], ['sum'], { keepdims: 1 }),
      nodeOf('Sub', ['one', 'sum'], ['z']),
      nodeOf('Relu', ['z'], ['y']),
    ],
    {
      c: floats([1], centre),
      s: floats([1], 1 / radius),
      one: floats([1], 1),
      axes: tensorOfInts([1], [1]),
    },
  )
}

/** y = (W x) with alternating signs over many inputs: one corner is the greatest. */
function alternating(width: number): Graph {
  const weights = Array.from({ length: width }, (_, i) => (i % 2 === 0 ? 1 : -1) / width)
  return network(['N', width], [nodeOf('MatMul', ['x', 'w'], ['y'])], {
    w: floats([width, 1], ...weights),
  })
}

/** Counterexamples exist. */
export const falsifiable: Readonly<Record<string, KnownCase>> = {
  'at the centre': {
    graph: identity(2),
    property: propertyText(times(2, [0, 1]), 2, '(<= Y_0 0.6)', '(>= Y_0 0.4)'),
  },
  'in one corner of a thousand inputs': {
    graph: alternating(1000),
    property: propertyText(times(1000, [-1, 1]), 1, '(>= Y_0 0.999)'),
  },
  'on a tie': {
    graph: identity(2),
    property: propertyText(times(2, [0.25, 1]), 2, '(<= Y_0 0.25)', '(<= Y_1 0.25)'),
  },
  'on a small hill in three dimensions': {
    graph: hill(3, 0.7312, 0.15),
    property: propertyText(times(3, [-1, 1]), 1, '(>= Y_0 0.5)'),
  },
  'in the second of two boxes': {
    graph: identity(1),
    property: propertyText([[-5, 5]], 1, '(or (<= X_0 -4) (>= X_0 4))', '(>= Y_0 4.5)'),
  },
  'where inputs and outputs meet': {
    graph: network([1, 2], [nodeOf('Mul', ['x', 'x'], ['y'])]),
    property: propertyText(
      times(2, [0, 1]),
      2,
      '(<= (+ X_0 X_1) 0.81)',
      '(>= (+ X_0 X_1) 0.8)',
      '(>= (+ Y_0 (* 2 Y_1)) 1.25)',
    ),
  },
  'with inputs fixed between two float32': {
    graph: identity(2),
    property: propertyText(
      [
        ['0.1', '0.1'],
        [0, 1],
      ],
      2,
      '(>= Y_1 Y_0)',
    ),
  },
  'of an output with several axes': {
    graph: network([1, 1, 2, 2], [nodeOf('Transpose', ['x'], ['y'], { perm: [0, 1, 3, 2] })]),
    property: propertyText(times(4, [0, 1]), 4, '(>= (- Y_1 X_1) 0.9)'),
  },
  'of a network without a gradient rule': {
    graph: network([1, 2, 2], [nodeOf('Det', ['x'], ['y'])]),
    property: propertyText(times(4, [0, 1]), 1, '(>= Y_0 0.6)', '(<= Y_0 0.61)'),
  },
  'of the box alone': {
    graph: identity(1),
    property: propertyText([[0, 1]], 1, '(or (>= Y_0 7) true)'),
  },
}

/** None exists. */
export const unfalsifiable: Readonly<Record<string, KnownCase>> = {
  'relu is not below 0': {
    graph: network([1, 3], [nodeOf('Relu', ['x'], ['y'])]),
    property: propertyText(times(3, [-1, 1]), 3, '(< (+ Y_0 Y_1 Y_2) 0)'),
  },
  // The least float32 from 0.1 on is 0.100000001, beyond the bound.
  'a bound that only rounding would reach': {
    graph: identity(1),
    property: propertyText([['0', '0.1']], 1, '(>= Y_0 0.1)'),
  },
  'a point is not above itself': {
    graph: network(['N', 40], [nodeOf('Identity', ['x'], ['y'])]),
    property: propertyText(times(40, [0, 1]), 40, '(> Y_0 X_0)'),
  },
  'an empty box': {
    graph: identity(1),
    property: propertyText([[0, 1]], 1, '(>= X_0 2)', '(>= Y_0 0)'),
  },
  'a single point': {
    graph: identity(1),
    property: propertyText([[1, 1]], 1, '(>= Y_0 1.5)'),
  },
  'outputs that are no numbers': {
    graph: network([1, 1], [nodeOf('Div', ['x', 'zero'], ['y'])], { zero: floats([1], 0) }),
    property: propertyText([[-1, 1]], 1, '(or (>= Y_0 0) (<= Y_0 0))'),
  },
  'many inputs and no gradient rule': {
    graph: network([1, 10, 10], [nodeOf('Det', ['x'], ['y'])]),
    property: propertyText(times(100, [0, 1]), 1, '(>= Y_0 1e9)'),
  },
}
