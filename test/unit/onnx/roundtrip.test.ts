import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { decodeModel } from '../../../src/onnx/decode.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { createRng } from '../../../src/util/rng.js'

const folder = join(import.meta.dirname, '../../../../shared/data/vnncomp/onnx')
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.onnx')) : []
if (files.length === 0) console.warn('skipped: no models in ../shared/data/vnncomp/onnx')

describe.skipIf(files.length === 0).each(files)('%s', (file) => {
  it('gives the same bits after a round trip', async () => {
    const bytes = readFileSync(join(folder, file))
    const copy = encodeModel(decodeModel(bytes))
    expect(await run(copy)).toEqual(await run(bytes))
  })
})

async function run(bytes: Uint8Array): Promise<Record<string, unknown>> {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 })
  const [input] = session.inputMetadata
  if (!input?.isTensor) throw new Error('no tensor input')
  const dims = input.shape.map((dim) => (typeof dim === 'number' ? dim : 1))
  const rng = createRng(input.name)
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => rng.normal())
  const outputs = await session.run({ [input.name]: new Tensor('float32', data, dims) })
  await session.release()
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]))
}
