import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { GauntletError } from '../errors.js'
import type { Attr, Dim, DType, Graph, Node, Tensor, Value } from '../graph/ir.js'
import { checkBytes, toInt64 } from '../graph/tensor.js'
import { attributeType, dataTypeNames, externalLocation, proto } from './proto.js'

/** Where a tensor lies when its bytes are not in the model file; `offset` and `length` in bytes. */
export interface ExternalPlace {
  readonly location: string
  readonly offset: number
  readonly length: number
}

/** What a file says of itself beside its graph. */
export interface ModelNotes {
  /** For people: what the model is. */
  readonly doc?: string | undefined
  /** For programs, by name. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

export interface EncodeOptions extends ModelNotes {
  /** Asked for each initializer of the main graph; a place keeps its bytes out of the result. */
  readonly place?: (name: string, tensor: Tensor) => ExternalPlace | undefined
}

/**
 * Pieces of a message in order. Weights are referred to, not copied, until the one copy at the end.
 */
type Parts = readonly Uint8Array[]

/** protobuf's own limit for one message. */
const maxMessageBytes = 2 ** 31 - 1

/**
 * A graph as ONNX bytes that ONNX Runtime 1.30 loads. The IR version is kept within 8..10. An output whose dims are
 * null is written by name only: the runtime infers its type.
 *
 * @throws GauntletError GNT_MODEL_UNSUPPORTED above 2 GiB: such a model needs external data (`saveModel`); GNT_GRAPH_INVALID
 * for a tensor whose bytes are not what its dims ask for
 */
export function encodeModel(graph: Graph, options: EncodeOptions = {}): Uint8Array {
  const { model, opset } = proto
  const head = new BinaryWriter()
  head
    .tag(model.irVersion, WireType.Varint)
    .int64(BigInt(Math.min(10, Math.max(8, graph.irVersion))))
  writeText(head, model.producerName, 'gauntlet')
  if (options.doc !== undefined) writeText(head, model.docString, options.doc)
  for (const [domain, version] of Object.entries(graph.opsets)) {
    nested(head, model.opsetImport, () => {
      writeText(head, opset.domain, domain)
      writeInt(head, opset.version, version)
    })
  }
  for (const [key, value] of Object.entries(options.metadata ?? {})) {
    nested(head, model.metadataProps, () => {
      writeText(head, proto.entry.key, key)
      writeText(head, proto.entry.value, value)
    })
  }
  const bytes = wrap(model.graph, graphParts(graph, options.place, true))
  return concat([head.finish(), ...bytes])
}

function graphParts(graph: Graph, place: EncodeOptions['place'], isMain: boolean): Parts {
  const nodes = new BinaryWriter()
  for (const node of graph.nodes) writeNode(nodes, proto.graph.node, node)
  writeText(nodes, proto.graph.name, graph.name)
  const weights = Object.entries(graph.initializers).flatMap(([name, tensor]) =>
    wrap(proto.graph.initializer, tensorParts(tensor, name, place?.(name, tensor))),
  )
  const values = new BinaryWriter()
  for (const value of graph.inputs) writeValue(values, proto.graph.input, value, isMain)
  for (const value of graph.outputs) writeValue(values, proto.graph.output, value, false)
  return [nodes.finish(), ...weights, values.finish()]
}

function tensorParts(tensor: Tensor, name: string, place?: ExternalPlace): Parts {
  if (tensor.dtype === 'string') {
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', { what: 'a constant of strings', where: name })
  }
  const { dims, dataType, rawData, externalData, dataLocation } = proto.tensor
  const writer = new BinaryWriter()
  writeInts(writer, dims, tensor.dims)
  writeInt(writer, dataType, dataTypeOf(tensor.dtype))
  if (name !== '') writeText(writer, proto.tensor.name, name)
  if (!place) {
    const { data } = tensor
    checkBytes(tensor, data.byteLength, name)
    return [writer.finish(), ...wrap(rawData, [data])]
  }
  for (const [key, value] of Object.entries(place)) {
    nested(writer, externalData, () => {
      writeText(writer, proto.entry.key, key)
      writeText(writer, proto.entry.value, String(value))
    })
  }
  writeInt(writer, dataLocation, externalLocation)
  return [writer.finish()]
}

function writeNode(writer: BinaryWriter, no: number, node: Node): void {
  nested(writer, no, () => {
    for (const name of node.inputs) writeText(writer, proto.node.input, name)
    for (const name of node.outputs) writeText(writer, proto.node.output, name)
    writeText(writer, proto.node.name, node.name)
    writeText(writer, proto.node.opType, node.op)
    if (node.domain !== '') writeText(writer, proto.node.domain, node.domain)
    for (const [name, attr] of Object.entries(node.attrs)) {
      nested(writer, proto.node.attribute, () => writeAttr(writer, name, attr))
    }
  })
}

function writeAttr(writer: BinaryWriter, name: string, attr: Attr): void {
  const { attribute } = proto
  writeText(writer, attribute.name, name)
  writeInt(writer, attribute.type, attributeType[attr.kind])
  switch (attr.kind) {
    case 'float':
      writer.tag(attribute.f, WireType.Bit32).float(attr.value)
      break
    case 'int':
      writeInt(writer, attribute.i, attr.value)
      break
    case 'string':
      writeText(writer, attribute.s, attr.value)
      break
    case 'tensor':
      writeParts(writer, attribute.t, tensorParts(attr.value, ''))
      break
    case 'graph':
      writeParts(writer, attribute.g, graphParts(attr.value, undefined, false))
      break
    case 'floats':
      nested(writer, attribute.floats, () => {
        for (const value of attr.value) writer.float(value)
      })
      break
    case 'ints':
      writeInts(writer, attribute.ints, attr.value)
      break
    case 'strings':
      for (const value of attr.value) writeText(writer, attribute.strings, value)
      break
  }
}

function writeValue(writer: BinaryWriter, no: number, value: Value, isTyped: boolean): void {
  const { dims } = value
  nested(writer, no, () => {
    writeText(writer, proto.valueInfo.name, value.name)
    if (!dims && !isTyped) return
    nested(writer, proto.valueInfo.type, () =>
      nested(writer, proto.type.tensor, () => {
        writeInt(writer, proto.tensorType.elemType, dataTypeOf(value.dtype))
        if (!dims) return
        nested(writer, proto.tensorType.shape, () => {
          for (const dim of dims) nested(writer, proto.shape.dim, () => writeDim(writer, dim))
        })
      }),
    )
  })
}

function writeDim(writer: BinaryWriter, dim: Dim): void {
  if (typeof dim === 'number') writeInt(writer, proto.dim.value, dim)
  else if (dim !== null) writeText(writer, proto.dim.param, dim)
}

function dataTypeOf(dtype: DType): number {
  return dataTypeNames.indexOf(dtype)
}

function writeText(writer: BinaryWriter, no: number, value: string): void {
  writer.tag(no, WireType.LengthDelimited).string(value)
}

function writeInt(writer: BinaryWriter, no: number, value: number): void {
  writer.tag(no, WireType.Varint).int64(toInt64(value))
}

function writeInts(writer: BinaryWriter, no: number, values: readonly number[]): void {
  nested(writer, no, () => {
    for (const value of values) writer.int64(toInt64(value))
  })
}

function nested(writer: BinaryWriter, no: number, write: () => void): void {
  writer.tag(no, WireType.LengthDelimited).fork()
  write()
  writer.join()
}

function writeParts(writer: BinaryWriter, no: number, parts: Parts): void {
  for (const part of wrap(no, parts)) writer.raw(part)
}

/** The parts as one length-delimited field. */
function wrap(no: number, parts: Parts): Parts {
  const size = byteSize(parts)
  if (size > maxMessageBytes) {
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'a model over 2 GiB does not fit one file',
      got: `${size} bytes`,
      fix: 'save it with external data',
    })
  }
  return [new BinaryWriter().tag(no, WireType.LengthDelimited).uint32(size).finish(), ...parts]
}

function byteSize(parts: Parts): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0)
}

function concat(parts: Parts): Uint8Array {
  const result = new Uint8Array(byteSize(parts))
  let at = 0
  for (const part of parts) {
    result.set(part, at)
    at += part.byteLength
  }
  return result
}
