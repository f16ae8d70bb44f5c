import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Graph, Node, Tensor } from '../../../src/graph/ir.js'
import { attackedInput } from '../../../src/graph/passes/preprocess.js'
import { elementCount, tensorOf, tensorOfFloats } from '../../../src/graph/tensor.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { decodeModel } from '../../../src/onnx/decode.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { compileGradient } from '../../../src/step/compile.js'
import { createRng } from '../../../src/util/rng.js'
import { float, graphOf, nodeOf } from '../../helpers/graphs.js'

/** One encoder layer on 4 tokens of 16 numbers, as exporters write it. */
function encoder(): Graph {
  const nodes: Node[] = []
  const initializers: Record<string, Tensor> = {}
  const rng = createRng('optimised')
  const keep = (tensor: Tensor): string => {
    const name = `c${Object.keys(initializers).length}`
    initializers[name] = tensor
    return name
  }
  const weight = (...dims: number[]): string => {
    const scale = 1 / Math.sqrt(dims[0]!)
    return keep(
      tensorOfFloats(
        dims,
        Float32Array.from({ length: elementCount(dims) }, () => scale * rng.normal()),
      ),
    )
  }
  const scalar = (value: number): string => keep(tensorOf('float32', [], [value]))
  const sizes = (...values: number[]): string => keep(tensorOf('int64', [values.length], values))
  const emit = (op: string, inputs: string[], attrs: Parameters<typeof nodeOf>[3] = {}): string => {
    const name = `v${nodes.length}`
    nodes.push(nodeOf(op, inputs, [name], attrs))
    return name
  }
  const dense = (x: string, from: number, to: number): string =>
    emit('Add', [emit('MatMul', [x, weight(from, to)]), weight(to)])
  const norm = (x: string): string =>
    emit('LayerNormalization', [x, weight(16), weight(16)], { axis: -1, epsilon: float(1e-5) })
  const heads = (x: string, perm: number[]): string =>
    emit('Transpose', [emit('Reshape', [dense(x, 16, 16), sizes(0, 0, 2, 8)])], { perm })

  const [q, k, v] = [heads('x', [0, 2, 1, 3]), heads('x', [0, 2, 3, 1]), heads('x', [0, 2, 1, 3])]
  const scores = emit('Div', [emit('MatMul', [q, k]), scalar(Math.sqrt(8))])
  const mixed = emit('MatMul', [emit('Softmax', [scores], { axis: -1 }), v])
  const rows = emit('Reshape', [
    emit('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    sizes(0, 0, 16),
  ])
  const a = norm(emit('Add', ['x', dense(rows, 16, 16)]))
  const wide = dense(a, 16, 32)
  const erf = emit('Erf', [emit('Div', [wide, scalar(Math.SQRT2)])])
  const gelu = emit('Mul', [emit('Mul', [wide, emit('Add', [erf, scalar(1)])]), scalar(0.5)])
  const b = norm(emit('Add', [a, dense(gelu, 32, 16)]))
  const flat = emit('Flatten', [b], { axis: 1 })
  const logits = emit('Gemm', [flat, weight(64, 5), weight(5)])
  return graphOf({ inputs: { x: ['N', 4, 16] }, nodes, initializers, outputs: [logits] })
}

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gauntlet-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function optimised(graph: Graph): Promise<Graph> {
  const optimizedPath = join(folder, 'optimised.onnx')
  const options = { optimization: 'extended', optimizedPath } as const
  await (await Session.open(encodeModel(graph), options)).close()
  return decodeModel(new Uint8Array(await readFile(optimizedPath)))
}

async function gradientOf(graph: Graph): Promise<Float32Array> {
  const model = await prepareModel(graph, { sampleShape: [4, 16] })
  const compiled = compileGradient(model, { loss: 'ce', targeted: false })
  const session = await Session.open(encodeModel(compiled.graph))
  const rng = createRng('point')
  const x: Feed = {
    dtype: 'float32',
    dims: [3, 4, 16],
    data: Float32Array.from({ length: 192 }, () => rng.normal()),
  }
  const labels: Feed = { dtype: 'int64', dims: [3], data: BigInt64Array.of(0n, 4n, 2n) }
  try {
    const { gradient } = await session.run({ [attackedInput]: x, labels })
    return gradient!.data as Float32Array
  } finally {
    await session.close()
  }
}

describe('a model that ONNX Runtime has optimised', () => {
  it('has the gradient of the model it was', async () => {
    const graph = encoder()
    const after = await optimised(graph)
    const fused = after.nodes.filter((node) => node.domain === 'com.microsoft').map(({ op }) => op)
    expect(fused).toEqual(expect.arrayContaining(['BiasGelu', 'SkipLayerNormalization']))
    const [plain, own] = [await gradientOf(graph), await gradientOf(after)]
    const size = Math.max(...plain.map(Math.abs))
    expect(size).toBeGreaterThan(1e-3)
    expect(Math.max(...plain.map((value, k) => Math.abs(value - own[k]!))) / size).toBeLessThan(
      1e-4,
    )
  })
})
