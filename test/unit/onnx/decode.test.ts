import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { describe, expect, it } from 'vitest'
import type { Attr } from '../../../src/graph/ir.js'
import { ints, numbers, tensorOf, tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { decodeModel } from '../../../src/onnx/decode.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { dataTypeNames, proto } from '../../../src/onnx/proto.js'
import { float, floats, graphOf, nodeOf, runOnNoise } from '../../helpers/graphs.js'

type Write = (writer: BinaryWriter) => void

const nested =
  (no: number, ...writes: Write[]): Write =>
  (writer) => {
    writer.tag(no, WireType.LengthDelimited).fork()
    for (const write of writes) write(writer)
    writer.join()
  }
const text =
  (no: number, value: string): Write =>
  (writer) =>
    void writer.tag(no, WireType.LengthDelimited).string(value)
const int =
  (no: number, value: number): Write =>
  (writer) =>
    void writer.tag(no, WireType.Varint).int64(value)
const bytes =
  (no: number, value: Uint8Array): Write =>
  (writer) =>
    void writer.tag(no, WireType.LengthDelimited).bytes(value)

/** A model whose graph holds what is given. */
function model(...writes: Write[]): Uint8Array {
  return modelWith([], ...writes)
}

function modelWith(more: readonly Write[], ...writes: Write[]): Uint8Array {
  const writer = new BinaryWriter()
  int(proto.model.irVersion, 8)(writer)
  nested(proto.model.opsetImport, int(proto.opset.version, 18))(writer)
  nested(proto.model.graph, ...writes)(writer)
  for (const write of more) write(writer)
  return writer.finish()
}

function tensor(dtype: (typeof dataTypeNames)[number], dims: number[], ...data: Write[]): Write[] {
  return [
    ...dims.map((dim) => int(proto.tensor.dims, dim)),
    int(proto.tensor.dataType, dataTypeNames.indexOf(dtype)),
    ...data,
  ]
}

const named = (name: string, ...writes: Write[]): Write =>
  nested(proto.graph.initializer, text(proto.tensor.name, name), ...writes)

const packed = (no: number, write: (writer: BinaryWriter) => void): Write => nested(no, write)

const { int32Data, int64Data, uint64Data, floatData, doubleData } = proto.tensor

describe('typed data fields', () => {
  it.each([
    ['float32', floatData, (w: BinaryWriter) => w.float(1.5).float(-2), [1.5, -2]],
    ['float64', doubleData, (w: BinaryWriter) => w.double(1.5).double(-2), [1.5, -2]],
    ['int64', int64Data, (w: BinaryWriter) => w.int64(2 ** 40).int64(-3), [2 ** 40, -3]],
    ['int32', int32Data, (w: BinaryWriter) => w.int32(7).int32(-3), [7, -3]],
    ['int16', int32Data, (w: BinaryWriter) => w.int32(7).int32(-3), [7, -3]],
    ['int8', int32Data, (w: BinaryWriter) => w.int32(7).int32(-3), [7, -3]],
    ['uint8', int32Data, (w: BinaryWriter) => w.int32(7).int32(255), [7, 255]],
    ['uint16', int32Data, (w: BinaryWriter) => w.int32(7).int32(65535), [7, 65535]],
    ['bool', int32Data, (w: BinaryWriter) => w.int32(0).int32(1), [0, 1]],
    ['float16', int32Data, (w: BinaryWriter) => w.int32(0x3c00).int32(0xc000), [1, -2]],
    ['bfloat16', int32Data, (w: BinaryWriter) => w.int32(0x3f80).int32(0xc000), [1, -2]],
    ['uint32', uint64Data, (w: BinaryWriter) => w.uint64(7).uint64(2 ** 32 - 1), [7, 2 ** 32 - 1]],
    [
      'uint64',
      uint64Data,
      (w: BinaryWriter) => w.uint64(7).uint64('18446744073709551615'),
      [7, 2 ** 64],
    ],
  ] as const)('%s', (dtype, field, write, expected) => {
    const graph = decodeModel(
      model(
        named(
          'w',
          ...tensor(
            dtype,
            [2],
            packed(field, (w) => void write(w)),
          ),
        ),
      ),
    )
    const found = graph.initializers['w']
    expect(found?.dtype).toBe(dtype)
    expect(Array.from(found ? numbers(found) : [])).toEqual(expected)
  })

  it('reads repeated fields that are not packed', () => {
    const values: Write[] = [3, 4].map((value) => int(int64Data, value))
    const graph = decodeModel(model(named('w', ...tensor('int64', [2], ...values))))
    expect(graph.initializers['w'] && ints(graph.initializers['w'])).toEqual([3, 4])
  })

  it('keeps raw and packed floats as views into the file', () => {
    const raw = bytes(proto.tensor.rawData, new Uint8Array(8))
    const floatsHere = packed(floatData, (w) => void w.float(1).float(2))
    const file = model(
      named('raw', ...tensor('float32', [2], raw)),
      named('packed', ...tensor('float32', [2], floatsHere)),
    )
    const graph = decodeModel(file)
    for (const { data } of Object.values(graph.initializers)) expect(data.buffer).toBe(file.buffer)
  })
})

describe('decodeModel', () => {
  const value = (no: number, name: string, ...type: Write[]): Write =>
    nested(no, text(proto.valueInfo.name, name), ...type)
  const floatType = (...dims: Write[]): Write =>
    nested(
      proto.valueInfo.type,
      nested(
        proto.type.tensor,
        int(proto.tensorType.elemType, 1),
        nested(proto.tensorType.shape, ...dims.map((dim) => nested(proto.shape.dim, dim))),
      ),
    )
  const node = (op: string, inputs: string[], outputs: string[], ...more: Write[]): Write =>
    nested(
      proto.graph.node,
      ...inputs.map((name) => text(proto.node.input, name)),
      ...outputs.map((name) => text(proto.node.output, name)),
      text(proto.node.opType, op),
      ...more,
    )
  const attribute = (name: string, ...writes: Write[]): Write =>
    nested(proto.node.attribute, text(proto.attribute.name, name), ...writes)
  const relu = [node('Relu', ['x'], ['y']), value(proto.graph.output, 'y')]
  const x = value(proto.graph.input, 'x', floatType(text(proto.dim.param, 'N')))

  it('drops inputs that are initializers and reads symbolic, fixed and unknown sizes', () => {
    const dims = [text(proto.dim.param, 'N'), int(proto.dim.value, 3), int(proto.dim.value, -1)]
    const graph = decodeModel(
      model(
        value(proto.graph.input, 'x', floatType(...dims, text(3, 'DATA_BATCH'))),
        value(proto.graph.input, 'w', floatType()),
        named('w', ...tensor('float32', [], bytes(proto.tensor.rawData, new Uint8Array(4)))),
        ...relu,
      ),
    )
    expect(graph.inputs).toEqual([{ name: 'x', dtype: 'float32', dims: ['N', 3, null, null] }])
    expect(graph.outputs).toEqual([{ name: 'y', dtype: 'float32', dims: null }])
  })

  it('sorts nodes and names those without a name', () => {
    const graph = decodeModel(
      model(
        node('Neg', ['b'], ['y'], text(proto.node.name, 'Abs_1')),
        node('Abs', ['a'], ['b']),
        node('Relu', ['x'], ['a']),
        x,
        value(proto.graph.output, 'y'),
      ),
    )
    expect(graph.nodes.map((node) => node.name)).toEqual(['Relu_2', 'Abs_1_', 'Abs_1'])
  })

  it('takes ai.onnx for the empty domain', () => {
    const graph = decodeModel(
      model(x, node('Relu', ['x'], ['y'], text(proto.node.domain, 'ai.onnx')), value(12, 'y')),
    )
    expect(graph.nodes[0]?.domain).toBe('')
  })

  it('reads attributes of files that do not say their kind (IR version 1)', () => {
    const graph = decodeModel(
      model(
        x,
        node(
          'Elu',
          ['x'],
          ['y'],
          attribute('alpha', (w) => void w.tag(2, WireType.Bit32).float(0.5)),
        ),
        value(proto.graph.output, 'y'),
      ),
    )
    expect(graph.nodes[0]?.attrs).toEqual({ alpha: { kind: 'float', value: 0.5 } })
  })

  it('does not mistake a value called constructor for something JavaScript has', () => {
    const graph = decodeModel(
      model(
        value(11, 'constructor', floatType()),
        node('Relu', ['constructor'], ['y']),
        value(12, 'y'),
      ),
    )
    expect(graph.initializers['constructor']).toBeUndefined()
  })

  it.each<[string, RegExp, Uint8Array]>([
    [
      'model-local functions',
      /model-local functions \(own\)/,
      modelWith([nested(25, text(1, 'own'))], x),
    ],
    ['sparse initializers', /sparse/, model(nested(proto.graph.sparseInitializer))],
    ['strings', /strings \(initializer "w"\)/, model(named('w', ...tensor('string', [0])))],
    ['complex numbers', /complex64/, model(named('w', ...tensor('complex64', [0])))],
    ['2-bit integers', /int2/, model(named('w', ...tensor('int2', [0])))],
    ['sequences', /input "s"/, model(value(11, 's', nested(2, nested(proto.type.sequence))))],
    [
      'lists of graphs',
      /node "Own_0" \(Own\), attribute a/,
      model(node('Own', [], ['y'], attribute('a', int(proto.attribute.type, 10)))),
    ],
    [
      'external data without a folder',
      /another file/,
      model(
        named(
          'w',
          ...tensor('float32', [1], int(proto.tensor.dataLocation, 1)),
          nested(proto.tensor.externalData, text(1, 'location'), text(2, 'w.bin')),
        ),
      ),
    ],
  ])('refuses %s by name', (_label, message, file) => {
    expect(() => decodeModel(file)).toThrow(message)
    expect(() => decodeModel(file)).toThrow(
      expect.objectContaining({ code: 'GNT_MODEL_UNSUPPORTED' }) as Error,
    )
  })

  it.each<[string, RegExp, Uint8Array]>([
    ['an empty file', /an empty file/, new Uint8Array()],
    [
      'a picture',
      /not a readable ONNX model/,
      new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, 0]),
    ],
    ['text', /not a readable ONNX model/, new TextEncoder().encode('{"model": "onnx"}')],
    ['no graph', /no graph/, new Uint8Array([8, 8])],
    ['no opset', /no opset/, new BinaryWriter().tag(7, 2).bytes(new Uint8Array()).finish()],
    [
      'too few bytes',
      /holds 4 bytes.*need 8/,
      model(named('w', ...tensor('float32', [2], bytes(9, new Uint8Array(4))))),
    ],
    [
      'a huge declared size',
      /need 4398046511104/,
      model(named('w', ...tensor('float32', [2 ** 40]))),
    ],
    ['a negative size', /dims \[-1\]/, model(named('w', ...tensor('float32', [-1])))],
    ['a value that nobody makes', /never defined.*"x"/, model(...relu)],
    ['an output that nobody makes', /output is never defined.*"y"/, model(x, value(12, 'y'))],
    ['two producers', /produced by two nodes/, model(x, ...relu, node('Abs', ['x'], ['y']))],
    ['a cycle', /cycle/, model(node('Abs', ['b'], ['a']), node('Abs', ['a'], ['b']))],
    ['an input without a type', /input "x" has no type/, model(value(11, 'x'), ...relu)],
    [
      'a name that is not UTF-8',
      /not a readable/,
      model(bytes(proto.graph.name, new Uint8Array([0xff]))),
    ],
    [
      'a foreign domain without an opset',
      /without an opset.*own/,
      model(x, node('Relu', ['x'], ['y'], text(7, 'own'))),
    ],
  ])('says what is wrong with %s', (_label, message, file) => {
    expect(() => decodeModel(file, { where: 'm.onnx' })).toThrow(message)
    expect(() => decodeModel(file, { where: 'm.onnx' })).toThrow(/m\.onnx/)
    expect(() => decodeModel(file)).toThrow(
      expect.objectContaining({ code: 'GNT_MODEL_FORMAT' }) as Error,
    )
  })
})

describe('encodeModel', () => {
  it('keeps every kind of attribute, subgraphs and odd integers', () => {
    const attrs: Record<string, Attr> = {
      int: { kind: 'int', value: -3 },
      far: { kind: 'ints', value: [2 ** 63, -(2 ** 63), 0] },
      float: float(0.5),
      floats: floats(1, Infinity),
      none: { kind: 'ints', value: [] },
      string: { kind: 'string', value: 'naïve\n' },
      strings: { kind: 'strings', value: ['a', ''] },
      tensor: { kind: 'tensor', value: tensorOf('float16', [2], [1, -2]) },
      graph: {
        kind: 'graph',
        value: { ...graphOf({ nodes: [nodeOf('Abs', ['x'], ['y'])] }), opsets: { '': 18, own: 1 } },
      },
    }
    const node = { ...nodeOf('Own', ['x', '', 'w'], ['', 'y'], attrs), domain: 'own' }
    const graph = {
      ...graphOf({
        inputs: { x: ['N', 3, null] },
        initializers: { w: tensorOfInts([2, 0], []) },
        nodes: [node],
      }),
      opsets: { '': 18, own: 1 },
    }
    const copy = decodeModel(encodeModel(graph))
    expect(copy).toEqual(graph)
    expect(encodeModel(copy)).toEqual(encodeModel(graph))
  })

  it.each([
    [3, 8],
    [9, 9],
    [13, 10],
  ])('writes IR version %i as %i', (given, written) => {
    const graph = {
      ...graphOf({ inputs: { x: [1] }, nodes: [nodeOf('Abs', ['x'], ['y'])] }),
      irVersion: given,
    }
    expect(decodeModel(encodeModel(graph)).irVersion).toBe(written)
  })

  it('turns Constant nodes of every kind into initializers that run', async () => {
    const constants: Record<string, Attr> = {
      value: { kind: 'tensor', value: tensorOfFloats([1], [2]) },
      value_float: float(3),
      value_floats: floats(4, 5),
      value_int: { kind: 'int', value: 6 },
      value_ints: { kind: 'ints', value: [7, 8] },
    }
    const outputs = ['z', ...Object.keys(constants)]
    const graph = graphOf({
      inputs: { x: [2] },
      outputs,
      nodes: [
        ...Object.entries(constants).map(([name, attr]) =>
          nodeOf('Constant', [], [name], { [name]: attr }),
        ),
        nodeOf('Constant', [], ['two'], { value_float: float(2) }),
        nodeOf('Mul', ['x', 'two'], ['z']),
      ],
    })
    const lifted = decodeModel(encodeModel(graph))
    expect(lifted.nodes.some((node) => node.op === 'Constant')).toBe(false)
    expect(Object.keys(lifted.initializers)).toContain('two')
    expect(await runOnNoise(lifted)).toEqual(await runOnNoise(graph))
  })
})
