import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Graph } from '../graph/ir.js'
import { decodeModel } from '../onnx/decode.js'
import { WeightStore } from '../onnx/weight-store.js'
import { openGraph } from './open.js'

/**
 * Constants folded, BatchNormalization in Conv, no dead nodes: done by ONNX Runtime with standard operators only. A
 * network of reduced precision is fused as far as it will be when it runs (`extended`): computed in integers it gives
 * other numbers than computed between its QuantizeLinear and DequantizeLinear, and a gradient's readers would keep it
 * from being fused.
 */
export async function simplify(
  graph: Graph,
  optimization: 'basic' | 'extended',
  weights = new WeightStore(),
): Promise<Graph> {
  // Beside the weights, to which it refers.
  const path = join(weights.folder, 'simplified.onnx')
  try {
    const session = await openGraph(graph, weights, { optimization, optimizedPath: path })
    await session.close()
    return decodeModel(new Uint8Array(await readFile(path)), { external: weights.read })
  } finally {
    await rm(path, { force: true })
  }
}
