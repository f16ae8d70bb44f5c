import { describe, expect, it } from 'vitest'
import { lowerOnce } from '../../../../src/graph/lower/lower.js'
import type { LoweringTable } from '../../../../src/graph/lower/lowering.js'
import type { ValueInfo } from '../../../../src/graph/shapes.js'
import { print } from '../../../../src/graph/print.js'
import { verify } from '../../../../src/graph/verify.js'
import { graphOf, nodeOf } from '../../../helpers/graphs.js'

const table: LoweringTable = {
  Twice: ({ g, x }) => [g.emit('Add', [x[0]!, x[0]!])],
  FourTimes: ({ g, x }) => [g.emit('Twice', [g.emit('Twice', [x[0]!])])],
  Same: ({ x }) => [x[0]!],
  Both: ({ g, x }) => {
    const sum = g.emit('Add', [x[0]!, x[0]!])
    return [sum, sum]
  },
  Never: () => null,
}

const info: ValueInfo = { dtype: 'float32', shape: [{ perBatch: 1 }, 3] }

function lowered(nodes: Parameters<typeof graphOf>[0]['nodes'], outputs?: readonly string[]) {
  const graph = graphOf({ inputs: { x: ['N', 3] }, nodes, ...(outputs ? { outputs } : {}) })
  const names = ['x', ...graph.nodes.flatMap((node) => node.outputs)]
  return { graph, after: lowerOnce(graph, new Map(names.map((name) => [name, info])), table) }
}

describe('lowering', () => {
  it('returns the same graph when there is nothing to do', () => {
    const { graph, after } = lowered([nodeOf('Relu', ['x'], ['h']), nodeOf('Never', ['h'], ['y'])])
    expect(after).toBe(graph)
  })

  it('replaces a node, in the middle and at the output, whose name stays', () => {
    const { after } = lowered([nodeOf('Twice', ['x'], ['h']), nodeOf('Twice', ['h'], ['y'])])
    expect(after.nodes.map((node) => node.op)).toEqual(['Add', 'Add'])
    expect(after.outputs.map((output) => output.name)).toEqual(['y'])
    expect(() => verify(after)).not.toThrow()
  })

  it('leaves what it emitted to the next round', () => {
    const { after } = lowered([nodeOf('FourTimes', ['x'], ['y'])])
    expect(after.nodes.map((node) => node.op)).toEqual(['Twice', 'Twice'])
  })

  it('keeps apart an input handed through and two outputs that are one value', () => {
    const { after } = lowered(
      [nodeOf('Same', ['x'], ['a']), nodeOf('Both', ['a'], ['y', 'z'])],
      ['y', 'z', 'a'],
    )
    expect(() => verify(after)).not.toThrow()
    expect(after.outputs.map((output) => output.name)).toEqual(['y', 'z', 'a'])
    expect(print(after)).toContain('Identity')
  })
})
