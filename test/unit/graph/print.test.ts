import { describe, expect, it } from 'vitest'
import { print } from '../../../src/graph/print.js'
import { tensorOf, tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { float, floats, graphOf, nodeOf } from '../../helpers/graphs.js'

const inner = graphOf({ outputs: ['z'], nodes: [nodeOf('Abs', ['a'], ['z'])] })
const graph = {
  ...graphOf({
    inputs: { x: ['N', 3, null], q: null },
    initializers: {
      'w/odd name\n': tensorOfFloats(
        [9],
        Array.from({ length: 9 }, (_, i) => i),
      ),
      half: tensorOf('float16', [2], [0.5, -1]),
      axes: tensorOfInts([1], [-1]),
    },
    outputs: ['y'],
    nodes: [
      nodeOf('Clip', ['x', '', 'half'], ['a', ''], { b: float(0.5), a: [1, 2], c: 'text', d: 3 }),
      {
        ...nodeOf('If', ['q'], ['y'], {
          then_branch: { kind: 'graph', value: inner },
          s: floats(1),
        }),
        domain: 'own',
      },
    ],
  }),
  opsets: { own: 1, '': 18 },
}

const turn = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).toReversed())

describe('print', () => {
  it('gives one line per input, constant, node and output', () => {
    expect(print(graph)).toMatchInlineSnapshot(`
      "graph sketch (ai.onnx 18, own 1)
        in x: float32[N, 3, ?]
        in q: ?
        const axes: int64[1] {-1}
        const half: float16[2] {0.5, -1}
        const "w/odd name\\n": float32[9] sha256:eb5e38fa46a2
        a, _ = Clip(x, _, half) {a=[1, 2], b=0.5f, c="text", d=3} #node/a
        y = own.If(q) {s=[1f]} #node/y
          then_branch:
            z = Abs(a) #node/z
            out z: ?
        out y: ?
      "
    `)
  })

  it('does not depend on the order of attributes, constants and opsets', () => {
    const turned = {
      ...graph,
      opsets: turn(graph.opsets),
      initializers: turn(graph.initializers),
      nodes: graph.nodes.map((node) => ({ ...node, attrs: turn(node.attrs) })),
    }
    expect(print(turned)).toBe(print(graph))
  })

  it('shows any change of a large constant', () => {
    const other = tensorOfFloats([9], Array(9).fill(0))
    const changed = { ...graph, initializers: { ...graph.initializers, 'w/odd name\n': other } }
    expect(print(changed)).not.toBe(print(graph))
  })
})
