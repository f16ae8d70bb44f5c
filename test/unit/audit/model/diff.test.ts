import { describe, expect, it } from 'vitest'
import { diffFindings, diffModels } from '../../../../src/audit/model/diff.js'
import type { Graph, Node } from '../../../../src/graph/ir.js'
import { floats, tensorOfFloats } from '../../../../src/graph/tensor.js'
import { cleanGraph, plantedGraph } from '../../../helpers/planted.js'

const clean = cleanGraph()

/** The graph with one weight moved. */
function moved(graph: Graph, name: string, by: number): Graph {
  const tensor = graph.initializers[name]!
  const values = floats(tensor).map((value) => value * (1 + by))
  const changed = { [name]: tensorOfFloats(tensor.dims, values) }
  return { ...graph, initializers: { ...graph.initializers, ...changed } }
}

const strides = (node: Node): Node =>
  node.outputs[0] === 'c1'
    ? { ...node, attrs: { ...node.attrs, strides: { kind: 'ints', value: [2, 2] } } }
    : node

describe('two versions', () => {
  it('that are the same differ in nothing', () => {
    const diff = diffModels(clean, clean)
    expect(diff).toEqual({
      added: [],
      removed: [],
      changed: [],
      weightsAdded: [],
      weightsRemoved: [],
      weights: [],
      weightsSame: 4,
      interface: [],
    })
    expect(diffFindings(diff, 'head')).toEqual([])
  })

  it('with the head trained: as declared', () => {
    const diff = diffModels(clean, moved(clean, 'w', 0.25))
    expect(diff.weights).toHaveLength(1)
    expect(diff.weights[0]).toMatchObject({ name: 'w', op: 'Gemm', isHead: true })
    expect(diff.weights[0]!.relative).toBeCloseTo(0.25, 5)
    const greatest = Math.max(...floats(clean.initializers['w']!).map(Math.abs))
    expect(diff.weights[0]!.greatest).toBeCloseTo(0.25 * greatest, 5)
    expect(diffFindings(diff, 'head')).toEqual([])
  })

  it('with a weight changed below the declared head', () => {
    const diff = diffModels(clean, moved(moved(clean, 'w', 0.1), 'w1', 0.01))
    expect(diffFindings(diff, 'any')).toEqual([])
    expect(diffFindings(diff, 'head')).toMatchObject([
      { signal: 'weights-changed', severity: 'error', text: /w1 by 1\.0 %/ },
    ])
  })

  it('with layers added: each by name', () => {
    const diff = diffModels(clean, plantedGraph())
    expect(diff.added).toHaveLength(6)
    expect(diff.removed).toEqual([])
    expect(diff.weightsAdded).toEqual(expect.arrayContaining(['corner', 'raised']))
    expect(diffFindings(diff, 'any')).toMatchObject([{ signal: 'graph-changed', severity: 'note' }])
    expect(diffFindings(diff, 'head')[0]).toMatchObject({ severity: 'error' })
    const back = diffModels(plantedGraph(), clean)
    expect([back.added, back.removed.length]).toEqual([[], 6])
  })

  it('with an attribute changed, or another shape', () => {
    expect(diffModels(clean, { ...clean, nodes: clean.nodes.map(strides) }).changed).toHaveLength(1)
    const b1 = tensorOfFloats([2], [1, 2])
    const diff = diffModels(clean, { ...clean, initializers: { ...clean.initializers, b1 } })
    expect(diff.weights).toMatchObject([{ name: 'b1', relative: null, greatest: null }])
  })

  it('whose exporter numbered nodes and weights anew', () => {
    const renamed: Graph = {
      ...clean,
      nodes: clean.nodes.map((node, i) => ({
        ...node,
        name: `${node.op}_${100 + i}`,
        inputs: node.inputs.map((name) => (name === 'w1' ? 'onnx::Conv_7' : name)),
      })),
      initializers: Object.fromEntries(
        Object.entries(clean.initializers).map(([name, tensor]) => [
          name === 'w1' ? 'onnx::Conv_7' : name,
          tensor,
        ]),
      ),
    }
    const old = { ...clean, nodes: clean.nodes.map((node, i) => ({ ...node, name: `${node.op}_${i}` })) } // prettier-ignore
    expect(diffModels(old, renamed)).toMatchObject({ added: [], removed: [], weights: [] })
  })
})
