import { dataTypeNames, externalLocation, proto } from '../../../onnx/proto.js'
import {
  int,
  ints,
  lastBytes,
  message,
  messages,
  text,
  texts,
  type Fields,
  readFields,
} from '../../../onnx/wire.js'
import { GauntletError } from '../../../errors.js'
import type { AuditFinding } from '../result.js'
import { checkLocation } from './location.js'
import { checkOperators } from './operators.js'
import type { ScannedGraph, ScannedNode, ScannedTensor } from './scanned.js'
import { unusedParts } from './unused.js'

/** Bytes of an element, by the number of its type in the file; 0 for text. Source: onnx.proto3. */
const bits: Readonly<Record<string, number>> = {
  float32: 32, uint8: 8, int8: 8, uint16: 16, int16: 16, int32: 32, int64: 64, bool: 8, float16: 16,
  float64: 64, uint32: 32, uint64: 64, complex64: 64, complex128: 128, bfloat16: 16, float8e4m3fn: 8,
  float8e4m3fnuz: 8, float8e5m2: 8, float8e5m2fnuz: 8, uint4: 4, int4: 4, float4e2m1: 4, float8e8m0: 8,
  uint2: 2, int2: 2,
} // prettier-ignore

/** A tensor that takes more than this is no weight of a network that anybody audits on one machine. */
const absurdBytes = 2 ** 36

/** Subgraphs deeper than this are taken for a hostile file. */
const maxDepth = 16

/** Text about the model that is longer than this may be something else. */
const longText = 65_536

/**
 * Reads what an ONNX file holds, as bytes only: nothing is run, and nothing is allocated because the file says so. Unlike
 * `decodeModel` it goes on after what is suspicious, to name all of it.
 *
 * @param folder - where the file lies; external data must stay in it
 * @throws GNT_MODEL_FORMAT when the bytes are no protobuf message with a graph in it
 */
export function scanOnnx(bytes: Uint8Array, folder: string, where: string): AuditFinding[] {
  try {
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return new Scan(folder).model(readFields(plain))
  } catch (cause) {
    if (cause instanceof GauntletError) throw cause
    throw new GauntletError(
      'GNT_MODEL_FORMAT',
      {
        what: 'not a readable ONNX model',
        where,
        got:
          bytes.length === 0 ? 'an empty file' : cause instanceof Error ? cause.message : 'noise',
        fix: 'check that the file is complete and is an .onnx model',
      },
      { cause },
    )
  }
}

class Scan {
  readonly #folder: string
  readonly #findings: AuditFinding[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  #add(signal: string, severity: AuditFinding['severity'], where: string, what: string): void {
    this.#findings.push({ signal, severity, where, text: what })
  }

  model(fields: Fields): AuditFinding[] {
    const graph = message(fields, proto.model.graph)
    if (!graph) throw new Error('no graph in it')
    const main = this.#graph(graph, 'graph', 0)
    const functions = messages(fields, proto.model.functions).map((one) => this.#function(one))
    const local = new Set(functions.map(({ key }) => key))
    this.#findings.push(...checkOperators([main, ...functions.map(({ body }) => body)], local))
    this.#findings.push(...unusedParts(main))
    const talk = (lastBytes(fields, proto.model.docString)?.length ?? 0) + metadataBytes(fields)
    if (talk > longText)
      this.#add('large-metadata', 'note', '', `${talk} bytes of text and metadata about the model`)
    this.#unknown(fields, modelFields, 'model')
    this.#unknown(graph, graphFields, 'graph')
    return this.#findings
  }

  #function(fields: Fields): { key: string; body: ScannedGraph } {
    const name = text(fields, proto.function.name)
    const where = `function ${name}`
    const nodes = messages(fields, functionNode).map((node) => this.#node(node, where, 1))
    const key = `${text(fields, proto.function.domain)}::${name}`
    return { key, body: { where, nodes, initializers: [], inputs: [], outputs: [] } }
  }

  #graph(fields: Fields, where: string, depth: number): ScannedGraph {
    if (depth > maxDepth) throw new Error(`subgraphs nested more than ${maxDepth} deep`)
    const names = (no: number): string[] =>
      messages(fields, no).map((value) => text(value, proto.valueInfo.name))
    const { graph } = proto
    for (const sparse of messages(fields, graph.sparseInitializer))
      for (const part of messages(sparse, sparseParts.values).concat(
        messages(sparse, sparseParts.indices),
      ))
        this.#tensor(part, `${where}, a sparse initializer`)
    return {
      where,
      initializers: messages(fields, graph.initializer).map((tensor) =>
        this.#tensor(tensor, `initializer "${text(tensor, proto.tensor.name)}"`),
      ),
      nodes: messages(fields, graph.node).map((node) => this.#node(node, where, depth)),
      inputs: names(graph.input),
      outputs: names(graph.output),
    }
  }

  #node(fields: Fields, where: string, depth: number): ScannedNode {
    const { node, attribute } = proto
    const op = text(fields, node.opType)
    const name = text(fields, node.name) || text(fields, node.output) || op
    const inside = `node "${name}" (${op})`
    const graphs: ScannedGraph[] = []
    for (const attr of messages(fields, node.attribute)) {
      const tensors = [...messages(attr, attribute.t), ...messages(attr, attribute.tensors)]
      for (const tensor of tensors) this.#tensor(tensor, inside)
      const inner = [...messages(attr, attribute.g), ...messages(attr, attribute.graphs)]
      for (const graph of inner) graphs.push(this.#graph(graph, `${where} > ${name}`, depth + 1))
    }
    const domain = text(fields, node.domain)
    return {
      name,
      op,
      domain: domain === 'ai.onnx' ? '' : domain,
      inputs: texts(fields, node.input),
      outputs: texts(fields, node.output),
      graphs,
    }
  }

  #tensor(fields: Fields, where: string): ScannedTensor {
    const { tensor } = proto
    const dims = ints(fields, tensor.dims)
    const type: string = dataTypeNames[int(fields, tensor.dataType)] ?? ''
    const declared = (dims.reduce((count, dim) => count * dim, 1) * (bits[type] ?? 0)) / 8
    const isSound = dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)
    const raw = lastBytes(fields, tensor.rawData)
    const isExternal = int(fields, tensor.dataLocation) === externalLocation
    const shape = `${type || 'an unknown type'} [${dims.join(', ')}]`
    if (!isSound || declared > absurdBytes)
      this.#add('oversize-tensor', 'error', where, `claims ${shape}, which no file holds`)
    else if (raw && !isExternal && bits[type] && raw.length !== Math.ceil(declared))
      this.#add(
        'oversize-tensor',
        'error',
        where,
        `claims ${shape}, ${Math.ceil(declared)} bytes, and holds ${raw.length}`,
      )
    if (isExternal) this.#external(fields, where, Math.ceil(declared))
    const bytes = isExternal ? Math.ceil(declared) : storedBytes(fields)
    if (type === 'float32' && raw && hasStrange(raw))
      this.#add('non-finite-weights', 'warning', where, 'holds NaN or infinite numbers')
    const isSmall =
      type === 'int64' && raw !== undefined && raw.length <= 64 && raw.length % 8 === 0
    const values = isSmall ? int64s(raw) : undefined
    return { name: text(fields, tensor.name), dims, bytes, values }
  }

  #external(fields: Fields, where: string, declared: number): void {
    const { entry, tensor } = proto
    const entries = new Map(
      messages(fields, tensor.externalData).map((one) => [
        text(one, entry.key),
        text(one, entry.value),
      ]),
    )
    const length = Number(entries.get('length') ?? declared)
    const offset = Number(entries.get('offset') ?? 0)
    const location = entries.get('location') ?? ''
    if (length !== declared)
      this.#add(
        'oversize-tensor',
        'error',
        where,
        `needs ${declared} bytes and is given ${length} of ${location}`,
      )
    const problem = checkLocation(this.#folder, location, offset + length)
    if (problem) this.#findings.push({ ...problem, where })
  }

  #unknown(fields: Fields, known: ReadonlySet<number>, where: string): void {
    for (const [no, all] of fields) {
      if (known.has(no)) continue
      const size = all.reduce((sum, one) => sum + ('bytes' in one ? one.bytes.length : 8), 0)
      this.#add('unknown-field', 'warning', where, `field ${no}, ${size} bytes, is none of ONNX's`)
    }
  }
}

/** Numbers of the fields of onnx.proto3, IR version 14. */
const modelFields = new Set([1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26])
const graphFields = new Set([1, 2, 5, 10, 11, 12, 13, 14, 15, 16])
const functionNode = 7
const sparseParts = { values: 1, indices: 2 } as const

const metadataBytes = (fields: Fields): number =>
  messages(fields, proto.model.metadataProps).reduce(
    (sum, one) => sum + (lastBytes(one, proto.entry.value)?.length ?? 0),
    0,
  )

function storedBytes(fields: Fields): number {
  const { rawData, floatData, int32Data, int64Data, doubleData, uint64Data, stringData } =
    proto.tensor
  const parts = [rawData, floatData, int32Data, int64Data, doubleData, uint64Data, stringData]
  return parts
    .flatMap((no) => fields.get(no) ?? [])
    .reduce((sum, one) => sum + ('bytes' in one ? one.bytes.length : 8), 0)
}

/** Whether a little-endian float32 has all bits of its exponent set. */
function hasStrange(raw: Uint8Array): boolean {
  for (let i = 3; i < raw.length; i += 4)
    if ((raw[i]! & 0x7f) === 0x7f && (raw[i - 1]! & 0x80) !== 0) return true
  return false
}

function int64s(raw: Uint8Array): number[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  return Array.from({ length: raw.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)))
}
