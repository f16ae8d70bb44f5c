import type { Graph } from '../../src/graph/ir.js'
import { elementCount } from '../../src/graph/tensor.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { Session } from '../../src/runtime/session.js'
import { samplesOf } from './networks.js'

/** What a graph makes of noise in all of its inputs, float32 of known sizes: its outputs, one after the other. */
export async function runOnNoise(graph: Graph): Promise<readonly number[]> {
  const session = await Session.open(encodeModel(graph))
  const feeds = graph.inputs.map(({ name, dims }) => {
    const sizes = dims as number[]
    const data = samplesOf(1, [elementCount(sizes)], name, [-1, 1])
    return [name, { dtype: 'float32' as const, dims: sizes, data }] as const
  })
  const out = await session.run(Object.fromEntries(feeds))
  await session.close()
  return Object.values(out).flatMap(({ data }) => Array.from(data, Number))
}
