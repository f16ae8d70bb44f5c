import { expect, it } from 'vitest'
import { tensorOf } from '../../../../src/graph/tensor.js'
import { compileGradient } from '../../../../src/model/gradient.js'
import type { Feed } from '../../../../src/runtime/session.js'
import { graphOf, nodeOf } from '../../../helpers/graphs.js'
import { runGraph, samplesOf } from '../../../helpers/networks.js'

const values = (name: string): Feed => ({
  dtype: 'float32',
  dims: [2, 3, 8],
  data: samplesOf(2, [3, 8], name, [-1, 1]),
})

// In double precision ONNX Runtime has only the operator's definition, which gives NaN here; its kernel gives zeros.
it.each([
  ['alone', 0],
  ['beside a causal one', 1],
])('a query whose mask %s lets it see no key gets zeros', async (_, causal) => {
  const graph = graphOf({
    opset: 23,
    inputs: { q: ['N', 3, 8], k: ['N', 3, 8], v: ['N', 3, 8] },
    initializers: { mask: tensorOf('bool', [3, 3], [1, 0, 1, 0, 0, causal, 1, 1, 1]) },
    nodes: [
      nodeOf('Attention', ['q', 'k', 'v', 'mask'], ['y'], {
        q_num_heads: 2,
        kv_num_heads: 2,
        is_causal: causal,
      }),
    ],
  })
  const feeds = { q: values('q'), k: values('k'), v: values('v') }
  const wrt = Object.keys(feeds)
  const compiled = await compileGradient(graph, { wrt, losses: [{ output: 'y', loss: 'sum' }] })
  const out = await runGraph(compiled.graph, feeds)
  const expected = (await runGraph(graph, feeds))['y']!.data as Float32Array
  const y = out['y']!.data as Float32Array
  expect(Math.max(...expected.map((value, i) => Math.abs(value - y[i]!)))).toBeLessThan(1e-6)
  expect(y.slice(8, 16)).toEqual(new Float32Array(8))
  const gradients = wrt.flatMap((name) => Array.from(out[`grad/${name}`]!.data as Float32Array))
  expect(gradients.every(Number.isFinite)).toBe(true)
})
