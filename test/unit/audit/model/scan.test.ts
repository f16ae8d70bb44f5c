import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scanLayers } from '../../../../src/audit/model/scan/layers.js'
import { scanOnnx } from '../../../../src/audit/model/scan/onnx.js'
import { scanModel } from '../../../../src/audit/model/scan/scan.js'
import { GauntletError } from '../../../../src/errors.js'
import type { Graph, Tensor } from '../../../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../../../src/graph/tensor.js'
import { encodeModel } from '../../../../src/onnx/encode.js'
import { proto } from '../../../../src/onnx/proto.js'
import { nodeOf } from '../../../helpers/graphs.js'
import { cleanGraph } from '../../../helpers/planted.js'

let folder: string
const clean = cleanGraph()
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gauntlet-scan-'))
  mkdirSync(join(folder, 'model'))
  writeFileSync(join(folder, 'secret.bin'), Buffer.alloc(64))
  writeFileSync(join(folder, 'model', 'short.bin'), Buffer.alloc(8))
  symlinkSync(join(folder, 'secret.bin'), join(folder, 'model', 'link.bin'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const inside = (): string => join(folder, 'model')
const scan = (bytes: Uint8Array) => scanOnnx(bytes, inside(), 'net.onnx')
const signals = (bytes: Uint8Array): string[] =>
  scan(bytes).map(({ signal, severity }) => `${severity} ${signal}`)
const withNodes = (nodes: Graph['nodes'], more: Partial<Graph> = {}): Graph => ({
  ...clean,
  ...more,
  nodes: [...clean.nodes, ...nodes],
})

/** A message with its embedded messages, strings and bytes passed through `edit`. */
function fields(
  bytes: Uint8Array,
  edit: (field: number, value: Uint8Array) => Uint8Array,
): Uint8Array {
  const [reader, writer] = [new BinaryReader(bytes), new BinaryWriter()]
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (type === WireType.LengthDelimited)
      writer.tag(field, type).bytes(edit(field, reader.bytes()))
    else writer.tag(field, type).raw(reader.skip(type, field))
  }
  return writer.finish()
}

/** The clean model with other dims written over those of w1: what encodes models refuses such weights. */
function claim(dims: readonly number[]): Uint8Array {
  const { model, graph, tensor } = proto
  const packed = new BinaryWriter()
  for (const size of dims) packed.int64(size)
  const isW1 = (bytes: Uint8Array): boolean => {
    let name = ''
    fields(bytes, (field, value) => {
      if (field === tensor.name) name = Buffer.from(value).toString()
      return value
    })
    return name === 'w1'
  }
  return fields(encodeModel(clean), (top, body) =>
    top !== model.graph
      ? body
      : fields(body, (field, value) =>
          field === graph.initializer && isW1(value)
            ? fields(value, (each, old) => (each === tensor.dims ? packed.finish() : old))
            : value,
        ),
  )
}

const branch = (value: string): Graph => ({
  name: 'branch',
  opsets: clean.opsets,
  irVersion: 8,
  inputs: [],
  outputs: [{ name: value, dtype: 'float32', dims: null }],
  initializers: {},
  nodes: [nodeOf('Identity', ['logits'], [value])],
})

const layers = (value: unknown) =>
  scanLayers(JSON.stringify(value), inside(), 'model.json').map(
    ({ signal, severity, where }) => `${severity} ${signal} ${where}`,
  )

const model = (...list: object[]) => ({ class_name: 'Sequential', config: { layers: list } })

const manifest = (paths: string[], shape: unknown) => ({
  weightsManifest: [{ paths, weights: [{ name: 'w', shape, dtype: 'float32' }] }],
})

const attrs = (names: [string, string]) => ({
  then_branch: { kind: 'graph', value: branch(names[0]) } as const,
  else_branch: { kind: 'graph', value: branch(names[1]) } as const,
})

describe('an ONNX file', () => {
  it('that is nothing but a model raises nothing', () => {
    expect(scan(encodeModel(clean))).toEqual([])
  })

  it('with an operator of somebody else', () => {
    const custom = { ...nodeOf('Backdoor', ['logits'], ['out']), domain: 'evil.example' }
    const outputs = [{ name: 'out', dtype: 'float32', dims: null }] as const
    const bytes = encodeModel(withNodes([custom], { outputs }))
    expect(scan(bytes)).toMatchObject([
      { signal: 'custom-operator', severity: 'error', where: 'evil.example::Backdoor' },
    ])
    const python = { ...nodeOf('PyOp', ['logits'], ['out']), domain: 'com.microsoft' }
    expect(signals(encodeModel(withNodes([python], { outputs })))).toEqual([
      'error custom-operator',
    ])
    const own = { ...nodeOf('FusedGemm', ['logits'], ['out']), domain: 'com.microsoft' }
    expect(signals(encodeModel(withNodes([own], { outputs })))).toEqual([])
  })

  it.each([
    ['..', '../secret.bin', 'error external-path'],
    ['..\\', '..\\secret.bin', 'error external-path'],
    ['a path that goes in and out', 'a/../../secret.bin', 'error external-path'],
    ['an absolute path', '/etc/passwd', 'error external-path'],
    ['a drive', 'C:\\secret.bin', 'error external-path'],
    ['a URL', 'https://evil.example/w', 'error external-path'],
    ['a link that leads out', 'link.bin', 'error external-path'],
    ['nothing that is there', 'none.bin', 'warning external-missing'],
    ['more bytes than there are', 'short.bin', 'error oversize-tensor'],
  ])('whose weights are in %s', (_, location, expected) => {
    const place = (name: string, { data }: Tensor) =>
      name === 'w' ? { location, offset: 0, length: data.byteLength } : undefined
    expect(signals(encodeModel(clean, { place }))).toEqual([expected])
  })

  it('whose weights claim more than they hold, or absurdly much', () => {
    expect(signals(claim([1, 1, 3, 4]))).toEqual(['error oversize-tensor'])
    expect(signals(claim([2 ** 40, 2 ** 20]))).toEqual(['error oversize-tensor'])
    expect(signals(claim([1, -1, 3, 3]))).toEqual(['error oversize-tensor'])
  })

  it('that makes an absurdly large tensor', () => {
    const huge = tensorOfInts([3], [100_000, 100_000, 100_000])
    const bytes = encodeModel(
      withNodes(
        [
          nodeOf('ConstantOfShape', ['huge'], ['zeros']),
          nodeOf('ReduceSum', ['zeros'], ['sum'], { keepdims: 0 }),
          nodeOf('Add', ['logits', 'sum'], ['out']),
        ],
        {
          initializers: { ...clean.initializers, huge },
          outputs: [{ name: 'out', dtype: 'float32', dims: null }],
        },
      ),
    )
    expect(signals(bytes)).toEqual(['error oversize-tensor'])
  })

  it('that carries more than its model', () => {
    const payload = tensorOfFloats([2000], new Float32Array(2000))
    const more = { initializers: { ...clean.initializers, payload } }
    expect(scan(encodeModel({ ...clean, ...more }))).toMatchObject([
      { signal: 'unused-weights', severity: 'warning', text: /8000 bytes.*payload/ },
    ])
    expect(signals(encodeModel(withNodes([nodeOf('Relu', ['c1'], ['dead'])])))).toEqual([
      'note unused-nodes',
    ])
    const metadata = { notes: 'x'.repeat(100_000) }
    expect(signals(encodeModel(clean, { metadata }))).toEqual(['note large-metadata'])
    const extra = new BinaryWriter().tag(99, WireType.LengthDelimited).bytes(Buffer.alloc(500))
    const bytes = Buffer.concat([encodeModel(clean), extra.finish()])
    expect(scan(bytes)).toMatchObject([{ signal: 'unknown-field', text: /field 99, 500 bytes/ }])
  })

  it('that branches on what it is given', () => {
    const outputs = [{ name: 'out', dtype: 'float32', dims: null }] as const
    const nodes = [
      nodeOf('ReduceMax', ['image'], ['top'], { keepdims: 0 }),
      nodeOf('Cast', ['top'], ['condition'], { to: 9 }),
      nodeOf('If', ['condition'], ['out'], attrs(['a', 'b'])),
    ]
    expect(signals(encodeModel(withNodes(nodes, { outputs })))).toEqual([
      'note data-dependent-branch',
    ])
  })

  it('with weights that are not finite', () => {
    const b1 = tensorOfFloats([1], [NaN])
    const bytes = encodeModel({ ...clean, initializers: { ...clean.initializers, b1 } })
    expect(signals(bytes)).toEqual(['warning non-finite-weights'])
  })

  it.each([
    ['empty', new Uint8Array(0)],
    ['text', Buffer.from('this is no model')],
    ['noise', Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 197) % 256))],
  ])('that is %s is refused', (_, bytes) => {
    expect(() => scan(bytes)).toThrow(GauntletError)
  })

  it('cut or changed anywhere ends in findings or one error, never in anything else', () => {
    const whole = encodeModel(clean)
    for (let i = 0; i < 300; i++) {
      const at = Math.floor((i / 300) * whole.length)
      const changed = Uint8Array.from(whole)
      changed[i < 150 ? i * 2 : at]! ^= 1 << (i % 8)
      for (const bytes of [whole.subarray(0, at), changed])
        try {
          scan(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(GauntletError)
        }
    }
  })
})

describe('a Keras or TF.js file', () => {
  const dense = { class_name: 'Dense', config: { name: 'd', units: 3, kernel_initializer: { class_name: 'GlorotUniform', config: {} } } } // prettier-ignore

  it('with layers of Keras alone raises nothing', () => {
    const wrapped = { class_name: 'TimeDistributed', config: { name: 't', layer: dense } }
    expect(layers(model(dense, wrapped))).toEqual([])
    expect(layers({ modelTopology: { model_config: model(dense) }, weightsManifest: [] })).toEqual(
      [],
    )
  })

  it('with a Lambda layer, wherever it is', () => {
    const old = { class_name: 'Lambda', config: { name: 'evil', function_type: 'lambda', function: ['4wEAAAA='] } } // prettier-ignore
    const fresh = { module: 'keras.layers', class_name: 'Lambda', config: { name: 'evil', function: { class_name: '__lambda__', config: { code: '4wEAAAA=' } } } } // prettier-ignore
    const expected = ['error lambda-layer layer evil']
    expect(layers(model(dense, old))).toEqual(expected)
    expect(layers(model(fresh))).toEqual(expected)
    const wrapped = { class_name: 'TimeDistributed', config: { name: 't', layer: old } }
    expect(layers({ modelTopology: { model_config: model(wrapped) } })).toEqual(expected)
  })

  it('with classes of somebody else', () => {
    const registered = { class_name: 'Evil', registered_name: 'pack>Evil', config: { name: 'e' } }
    const imported = { class_name: 'Popen', module: 'subprocess', config: { name: 'p' } }
    const unknown = { class_name: 'Mystery', config: { name: 'm' } }
    expect(layers(model(registered, imported, unknown))).toEqual([
      'warning custom-object layer e',
      'error custom-object layer p',
      'warning custom-object layer m',
    ])
  })

  it('with operators that run code, weights elsewhere, or absurd weights', () => {
    const graph = { modelTopology: { node: [{ name: 'n', op: 'PyFunc' }, { name: 'r', op: 'Relu' }] } } // prettier-ignore
    expect(layers(graph)).toEqual(['error custom-operator layer n'])
    expect(layers(manifest(['short.bin'], [2]))).toEqual([])
    expect(layers(manifest(['../secret.bin', 'http://evil.example/w'], [2]))).toEqual([
      'error external-path weightsManifest',
      'error external-path weightsManifest',
    ])
    expect(layers(manifest(['short.bin'], [1e9, 1e9]))).toEqual(['error oversize-tensor weight w'])
    expect(layers(manifest(['short.bin'], ['x', -3]))).toEqual(['error oversize-tensor weight w'])
  })

  it.each([
    ['no JSON', '{"class_name":'],
    ['a list', '[]'],
    ['another object', '{"a":1}'],
    ['nested absurdly deep', `{"config":${'['.repeat(5000)}${']'.repeat(5000)}}`],
  ])('that is %s is refused', (_, text) => {
    expect(() => scanLayers(text, inside(), 'model.json')).toThrow(GauntletError)
  })
})

it('goes by the name of the file, and refuses what is not there', async () => {
  const path = join(inside(), 'keras.json')
  writeFileSync(path, JSON.stringify({ class_name: 'Sequential', config: { layers: [] } }))
  expect(await scanModel(path)).toEqual([])
  await expect(scanModel(join(inside(), 'nothing.onnx'))).rejects.toThrow(/no such file/)
})
