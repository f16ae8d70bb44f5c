import { describe, expect, it } from 'vitest'
import type { Attr, Graph } from '../../../src/graph/ir.js'
import { tensorOfFloats } from '../../../src/graph/tensor.js'
import { verify } from '../../../src/graph/verify.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'

const w = tensorOfFloats([2], [1, 2])
const whole = graphOf({
  inputs: { x: [2] },
  initializers: { w },
  nodes: [nodeOf('Add', ['x', 'w'], ['a']), nodeOf('Clip', ['a', '', 'w'], ['y'])],
})
const branch = graphOf({ outputs: ['z'], nodes: [nodeOf('Abs', ['a'], ['z'])] })
const withBranch = (value: Graph): Graph => ({
  ...whole,
  nodes: [
    nodeOf('Add', ['x', 'w'], ['a']),
    nodeOf('If', ['x'], ['y'], { then_branch: { kind: 'graph', value } }),
  ],
})

describe('verify', () => {
  it('passes a whole graph, absent inputs and subgraphs that use outer values', () => {
    expect(verify(whole)).toBe(whole)
    expect(() => verify(withBranch(branch))).not.toThrow()
  })

  it.each<[string, RegExp, Graph]>([
    [
      'order',
      /before it is defined.*"node\/y" \(Clip\).*"a"/,
      { ...whole, nodes: whole.nodes.toReversed() },
    ],
    ['a missing value', /never defined.*"w"/, { ...whole, initializers: {} }],
    ['two definitions', /defined twice.*"x"/, { ...whole, initializers: { w, x: w } }],
    [
      'two producers',
      /defined twice.*"a"/,
      { ...whole, nodes: [...whole.nodes, nodeOf('Abs', ['x'], ['a'])] },
    ],
    [
      'a missing output',
      /output is never defined.*"q"/,
      { ...whole, outputs: [{ name: 'q', dtype: 'float32', dims: null }] },
    ],
    [
      'too few bytes',
      /initializer "w".*got 4 bytes, expected 8/,
      { ...whole, initializers: { w: { ...w, data: w.data.subarray(4) } } },
    ],
    [
      'a broken size',
      /whole number.*\[1.5\]/,
      { ...whole, initializers: { w: { ...w, dims: [1.5] } } },
    ],
    [
      'a domain without opset',
      /opset.*"own"/,
      { ...whole, nodes: [{ ...nodeOf('Abs', ['x'], ['y']), domain: 'own' }] },
    ],
    ['no operator', /no operator/, { ...whole, nodes: [nodeOf('', ['x'], ['y'])] }],
    [
      'an unknown attribute kind',
      /unknown kind.*"type"/,
      {
        ...whole,
        nodes: [nodeOf('Abs', ['x'], ['y'], { a: { kind: 'type' } as unknown as Attr })],
      },
    ],
    [
      'a broken constant in an attribute',
      /attribute a/,
      {
        ...whole,
        nodes: [nodeOf('Abs', ['x'], ['y'], { a: { kind: 'tensor', value: { ...w, dims: [3] } } })],
      },
    ],
    [
      'a subgraph that uses what comes later',
      /before it is defined.*"y"/,
      withBranch({ ...branch, nodes: [nodeOf('Abs', ['y'], ['z'])] }),
    ],
  ])('finds %s', (_label, message, graph) => {
    expect(() => verify(graph)).toThrow(message)
    expect(() => verify(graph)).toThrow(
      expect.objectContaining({ code: 'GNT_GRAPH_INVALID' }) as Error,
    )
  })
})
