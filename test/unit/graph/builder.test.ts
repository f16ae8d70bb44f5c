import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../../src/graph/builder.js'
import { verify } from '../../../src/graph/verify.js'
import { graphOf, nodeOf, runOnNoise } from '../../helpers/graphs.js'

describe('names', () => {
  // Exporters call a node as they like; a step graph's outputs have fixed names.
  const base = graphOf({
    inputs: { x: ['N', 2] },
    nodes: [{ ...nodeOf('Relu', ['x'], ['m/y']), name: 'logits' }],
  })

  it('an emitted value gets the name of a node of the base, the new node another', async () => {
    const g = new GraphBuilder(base)
    const logits = g.emit('Identity', ['m/y'], {}, { name: 'logits' })
    expect(logits).toBe('logits')
    const graph = g.finish(base.inputs, [{ name: logits, dtype: 'float32', dims: null }])
    expect(new Set(graph.nodes.map((node) => node.name)).size).toBe(2)
    expect(Object.keys(await runOnNoise(verify(graph)))).toEqual(['logits'])
  })

  it('an emitted value never takes the name of another value', () => {
    const g = new GraphBuilder(base)
    expect(g.emit('Neg', ['x'], {}, { name: 'm/y' })).not.toBe('m/y')
    expect(g.emit('Neg', ['x'], {}, { name: 'x' })).not.toBe('x')
  })
})
