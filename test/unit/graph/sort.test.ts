import { describe, expect, it } from 'vitest'
import { outerValues, sortNodes } from '../../../src/graph/sort.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'

const name = (node: { outputs: readonly string[] }): string => node.outputs[0] ?? ''

describe('sortNodes', () => {
  it('keeps a list that is sorted', () => {
    const nodes = [nodeOf('A', ['x'], ['a']), nodeOf('B', ['x'], ['b']), nodeOf('C', ['a'], ['c'])]
    expect(sortNodes(nodes)).toBe(nodes)
  })

  it('moves producers, those of subgraph values too, before consumers and keeps the rest', () => {
    const inner = graphOf({ outputs: ['z'], nodes: [nodeOf('Add', ['b', 'own'], ['z'])] })
    const nodes = [
      nodeOf('If', ['c'], ['y'], { then_branch: { kind: 'graph', value: inner } }),
      nodeOf('A', ['x'], ['a']),
      nodeOf('B', ['a', 'a'], ['b']),
      nodeOf('C', ['b'], ['c', '']),
    ]
    expect(sortNodes(nodes).map(name)).toEqual(['a', 'b', 'c', 'y'])
    expect(outerValues(inner)).toEqual(['b', 'own'])
  })

  it('sorts a chain that is longer than the call stack', () => {
    const chain = Array.from({ length: 50_000 }, (_, i) => nodeOf('A', [`v${i}`], [`v${i + 1}`]))
    expect(sortNodes(chain.toReversed())).toEqual(chain)
  })

  it('refuses cycles and second producers', () => {
    const cycle = [nodeOf('A', ['b'], ['a']), nodeOf('B', ['a'], ['b'])]
    expect(() => sortNodes(cycle)).toThrow(/cycle/)
    expect(() => sortNodes([nodeOf('A', ['a'], ['a'])])).toThrow(/cycle/)
    expect(() => sortNodes([nodeOf('A', [], ['a']), nodeOf('B', [], ['a'])])).toThrow(/two nodes/)
  })
})
