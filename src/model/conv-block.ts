import { GraphBuilder } from '../graph/builder.js'
import type { Value } from '../graph/ir.js'
import { blockedConvs } from '../graph/passes/blocked-convs.js'
import type { ShapedGraph } from '../graph/passes/readers.js'
import { elementCount } from '../graph/tensor.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type Feed } from '../runtime/session.js'

let found: Promise<number | undefined> | undefined

/**
 * Channels in a block of the layout that ONNX Runtime's convolutions are fastest in on this processor: 16 with AVX-512,
 * else 8; undefined where there is none. Its operators are ONNX Runtime's own and may change, so a block counts only if
 * a convolution written in it (`blockedConvs`) gives what the plain one gives.
 */
export async function convBlock(): Promise<number | undefined> {
  found ??= firstRight([16, 8])
  return await found
}

async function firstRight([block, ...others]: readonly number[]): Promise<number | undefined> {
  if (block === undefined) return undefined
  return (await isRight(block)) ? block : await firstRight(others)
}

async function isRight(block: number): Promise<boolean> {
  const plain = layersOf(2 * block)
  try {
    const [expected, got] = await Promise.all([plain, blockedConvs(block)(plain)].map(valuesOf))
    return expected!.every((value, k) => Math.abs(value - got![k]!) < 1e-4)
  } catch {
    return false
  }
}

/** Two convolutions with fed kernels over 5 × 5 pixels: of few channels with bias and Relu, and with a stride. */
function layersOf(width: number): ShapedGraph {
  const inputs = [
    value('x', [2, 3, 5, 5]),
    value('w', [width, 3, 3, 3]),
    value('b', [width]),
    value('v', [width, width, 3, 3]),
  ]
  const infos = new Map(
    inputs.map(({ name, dtype, dims }) => [name, { dtype, shape: dims as number[] }]),
  )
  const base = { name: 'layers', opsets: { '': 18 }, irVersion: 8, initializers: {}, nodes: [] }
  const g = new GraphBuilder({ ...base, inputs, outputs: [] }, infos)
  const first = g.emit('Relu', [g.emit('Conv', ['x', 'w', 'b'], { pads: [1, 1, 1, 1] })])
  const second = g.emit('Conv', [first, 'v'], { pads: [1, 1, 1, 1], strides: [2, 2] })
  const y = g.emit('Identity', [second], {}, { name: 'y' })
  return { graph: g.finish(inputs, [value(y, [2, width, 3, 3])]), infos: g.infos }
}

async function valuesOf({ graph }: ShapedGraph): Promise<Float32Array> {
  const session = await Session.open(encodeModel(graph))
  try {
    const feeds = graph.inputs.map(({ name, dims }): [string, Feed] => {
      const sizes = dims as number[]
      const data = Float32Array.from({ length: elementCount(sizes) }, (_, k) => noise(k))
      return [name, { dtype: 'float32', dims: sizes, data }]
    })
    return (await session.run(Object.fromEntries(feeds)))['y']!.data as Float32Array
  } finally {
    await session.close()
  }
}

const value = (name: string, dims: number[]): Value => ({ name, dtype: 'float32', dims })

/** From −0.5 to 0.5, without a pattern that a wrong order would leave as it is. */
const noise = (k: number): number => ((k * 7919) % 1009) / 1009 - 0.5
