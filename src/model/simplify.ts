import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Graph } from '../graph/ir.js'
import { decodeModel } from '../onnx/decode.js'
import { encodeModel } from '../onnx/encode.js'
import { Session } from '../runtime/session.js'

/**
 * Constants folded, BatchNormalization in Conv, no dead nodes: done by ONNX Runtime with standard operators only. A
 * network of reduced precision is fused as far as it will be when it runs (`extended`): computed in integers it gives
 * other numbers than computed between its QuantizeLinear and DequantizeLinear, and a gradient's readers would keep it
 * from being fused.
 */
export async function simplify(graph: Graph, optimization: 'basic' | 'extended'): Promise<Graph> {
  const folder = await mkdtemp(join(tmpdir(), 'gauntlet-'))
  try {
    const path = join(folder, 'simplified.onnx')
    const session = await Session.open(encodeModel(graph), { optimization, optimizedPath: path })
    await session.close()
    return decodeModel(new Uint8Array(await readFile(path)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
