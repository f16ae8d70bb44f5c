import { existsSync, mkdtempSync, statSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Graph, Tensor } from '../../../src/graph/ir.js'
import { floats, tensorMadeOf, tensorOfFloats } from '../../../src/graph/tensor.js'
import { verify } from '../../../src/graph/verify.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { removeWeights, WeightStore } from '../../../src/onnx/weight-store.js'
import { Session } from '../../../src/runtime/session.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import { noiseOf } from '../../helpers/networks.js'

const product = (): Graph =>
  graphOf({
    inputs: { x: ['N', 64] },
    initializers: { w: noiseOf([64, 64]), b: noiseOf([64]) },
    nodes: [nodeOf('MatMul', ['x', 'w'], ['h']), nodeOf('Add', ['h', 'b'], ['y'])],
  })

const x = Float32Array.from({ length: 128 }, (_, k) => ((k * 31) % 17) / 17)

async function run(model: Uint8Array, folder?: string): Promise<unknown> {
  const session = await Session.open(model, { folder })
  const values = await session.run({ x: { dtype: 'float32', dims: [2, 64], data: x } })
  await session.close()
  return values
}

describe('weights in a file', () => {
  it('are written once, however many models refer to them', () => {
    const store = new WeightStore()
    const graph = product()
    const models = [graph, { ...graph, name: 'other' }, store.keep(graph)].map((one) =>
      encodeModel(one, { place: store.place }),
    )
    expect(statSync(join(store.folder, 'weights')).size).toBe(64 * 64 * 4)
    for (const model of models) expect(model.byteLength).toBeLessThan(1024)
  })

  it('give what they give inside the model', async () => {
    const store = new WeightStore()
    const graph = product()
    const expected = await run(encodeModel(graph))
    expect(await run(encodeModel(graph, { place: store.place }), store.folder)).toEqual(expected)
  })

  it('are read again when somebody asks for them', () => {
    const store = new WeightStore()
    const { w, b } = product().initializers
    // Nothing else lies on the page after them.
    const kept = store.keep({
      ...product(),
      initializers: { w: w!, other: tensorOfFloats([2048], new Float32Array(2048)), b: b! },
    })
    expect(verify(kept)).toBe(kept)
    expect(kept.initializers['w']).toMatchObject({ dtype: 'float32', dims: [64, 64] })
    expect(kept.initializers['w']!.data).toEqual(w!.data)
    const place = { location: 'weights', offset: 0, length: 256 }
    const part = store.read(place, { dtype: 'float32', dims: [64] })
    expect(part.data).toEqual(w!.data.slice(0, 256))
    // Too small for a page of its own.
    expect(kept.initializers['b']).toBe(b)
  })

  it('that are made when somebody asks are made once for the file, and small ones once for all', () => {
    let asked = 0
    const madeOf = (size: number): Tensor =>
      tensorMadeOf([size], () => {
        asked++
        return new Float32Array(size).fill(size)
      })
    const graph = graphOf({
      inputs: {},
      initializers: { large: madeOf(2048), small: madeOf(2) },
      nodes: [],
    })
    const store = new WeightStore()
    const { large, small } = store.keep(graph).initializers
    encodeModel(graph, { place: store.place })
    expect(statSync(join(store.folder, 'weights')).size).toBe(2048 * 4)
    expect(floats(large!)).toEqual(new Float32Array(2048).fill(2048))
    asked = 0
    expect(floats(small!)).toEqual(new Float32Array(2).fill(2))
    expect(asked).toBe(0)
  })

  it('hold nothing of the model file in memory', () => {
    const file = new Uint8Array(100_000)
    const scalar = { dtype: 'float32' as const, dims: [], data: file.subarray(8, 12) }
    const inner = graphOf({ inputs: {}, initializers: { s: scalar }, nodes: [] })
    const node = {
      ...nodeOf('If', ['x'], ['y']),
      attrs: {
        value: { kind: 'tensor' as const, value: scalar },
        then_branch: { kind: 'graph' as const, value: inner },
      },
    }
    const kept = new WeightStore().keep(
      graphOf({ inputs: { x: [1] }, initializers: { s: scalar }, nodes: [node] }),
    )
    const { value, then_branch: branch } = kept.nodes[0]!.attrs
    const found = [
      kept.initializers['s'],
      value?.kind === 'tensor' ? value.value : undefined,
      branch?.kind === 'graph' ? branch.value.initializers['s'] : undefined,
    ]
    expect(found.map((tensor) => tensor?.data.buffer.byteLength)).toEqual([4, 4, 4])
  })

  it('are removed when their model is closed', () => {
    const store = new WeightStore()
    const { w } = store.keep(product()).initializers
    store.close()
    store.close()
    expect(existsSync(store.folder)).toBe(false)
    expect(w!.byteLength).toBe(64 * 64 * 4)
  })

  it('lie among the temporary files when there is no room in memory', () => {
    const store = new WeightStore(2 ** 50)
    expect(dirname(store.folder)).toBe(tmpdir())
    store.close()
  })

  it('go with their process, and those of a process that was killed with the next one', () => {
    const { folder } = new WeightStore()
    const { pid: dead } = spawnSync(process.execPath, ['--version'])
    const left = mkdtempSync(folder.replace(/\d+-\w+$/, `${dead}-`))
    expect(existsSync(folder)).toBe(true)
    removeWeights()
    expect(existsSync(folder)).toBe(false)
    const script = `import(${JSON.stringify(join(import.meta.dirname, '../../../dist/src/onnx/weight-store.js'))}).then(({ WeightStore }) => console.log(new WeightStore().folder))`
    const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
    expect(stdout).toContain('gauntlet-weights-')
    expect(existsSync(stdout.trim())).toBe(false)
    expect(existsSync(left)).toBe(false)
  })
})
