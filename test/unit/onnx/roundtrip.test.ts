import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { upgrade } from '../../../src/graph/opset.js'
import { print } from '../../../src/graph/print.js'
import { verify } from '../../../src/graph/verify.js'
import { decodeModel } from '../../../src/onnx/decode.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { publicModels, runOnNoise } from '../../helpers/graphs.js'

const models = publicModels.map((path) => ({ name: basename(path), path }))

describe.skipIf(models.length === 0).each(models)('$name', ({ path }) => {
  it('gives the same bits after a round trip, and the same numbers in opset 18', async () => {
    const bytes = readFileSync(path)
    const graph = decodeModel(bytes)
    const copy = encodeModel(graph)
    const before = await runOnNoise(bytes)
    expect(await runOnNoise(copy)).toEqual(before)
    expect(print(decodeModel(copy))).toBe(print({ ...graph }))

    const upgraded = verify(upgrade(graph))
    expect(upgraded.opsets['']).toBe(18)
    const after = await runOnNoise(upgraded)
    for (const [name, { dims, data }] of Object.entries(before)) {
      expect(after[name]?.dims).toEqual(dims)
      expect(largestDifference(after[name]?.data, data)).toBeLessThanOrEqual(1e-6)
    }
  })
})

function largestDifference(a: unknown, b: unknown): number {
  if (!(a instanceof Float32Array) || !(b instanceof Float32Array)) throw new Error('not floats')
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))))
}
