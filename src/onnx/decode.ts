import { GauntletError } from '../errors.js'
import type { Attr, Graph, Node, Tensor } from '../graph/ir.js'
import { sortNodes } from '../graph/sort.js'
import { tensorOfFloats, tensorOfInts } from '../graph/tensor.js'
import { verify } from '../graph/verify.js'
import { decodeTensor, type ExternalReader } from './decode-tensor.js'
import { readValue } from './decode-value.js'
import { attributeType, proto } from './proto.js'
import * as wire from './wire.js'
import type { Fields } from './wire.js'

export interface DecodeOptions {
  /** Reads tensors kept in other files; without it such a model is refused. */
  readonly external?: ExternalReader
  /** What to call the model in an error, usually its path. */
  readonly where?: string
}

interface Scope {
  readonly opsets: Graph['opsets']
  readonly irVersion: number
  readonly external: ExternalReader | undefined
  readonly depth: number
}

/** Subgraphs deeper than this are taken for a corrupt or hostile file. */
const maxDepth = 16

/**
 * ONNX bytes as a graph. Weights stay views into `bytes`; `Constant` nodes become initializers; initializers
 * that are also listed as inputs are not inputs; nodes are sorted; nodes without a name get `Op_index`.
 *
 * @throws GauntletError GNT_MODEL_FORMAT when the bytes are not a well-formed model, and
 * GNT_MODEL_UNSUPPORTED for model-local functions, sparse, sequence, optional or string data
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): Graph {
  try {
    // Not as a Buffer: its slice() does not copy, which would surprise whoever gets a tensor.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return verify(readModel(wire.readFields(plain), options.external))
  } catch (error) {
    if (error instanceof GauntletError) throw located(error, options.where)
    throw new GauntletError(
      'GNT_MODEL_FORMAT',
      {
        what: 'not a readable ONNX model',
        where: options.where,
        got:
          bytes.length === 0 ? 'an empty file' : error instanceof Error ? error.message : 'noise',
        fix: 'check that the file is complete and is an .onnx model',
      },
      { cause: error },
    )
  }
}

/** A graph that does not verify is here the file's fault; everything else only learns which file it was. */
function located(error: GauntletError, file: string | undefined): GauntletError {
  const code = error.code === 'GNT_GRAPH_INVALID' ? 'GNT_MODEL_FORMAT' : error.code
  const inner = error.detail.where
  const where = file && !inner?.startsWith(file) ? [file, inner].filter(Boolean).join(', ') : inner
  return new GauntletError(code, { ...error.detail, where }, { cause: error })
}

function readModel(model: Fields, external: ExternalReader | undefined): Graph {
  const graph = wire.message(model, proto.model.graph)
  if (!graph) throw new Error('no graph in it')
  const local = wire.messages(model, proto.model.functions)[0]
  if (local) throw unsupported('model-local functions', wire.text(local, proto.function.name))
  const opsets = record(
    wire.messages(model, proto.model.opsetImport).map((opset) => {
      const domain = standardDomain(wire.text(opset, proto.opset.domain))
      return [domain, wire.int(opset, proto.opset.version)]
    }),
  )
  if (Object.keys(opsets).length === 0) throw new Error('no opset version in it')
  const irVersion = wire.int(model, proto.model.irVersion)
  return readGraph(graph, { opsets, irVersion, external, depth: 0 })
}

function readGraph(fields: Fields, scope: Scope): Graph {
  if (scope.depth > maxDepth) throw new Error(`subgraphs nested more than ${maxDepth} deep`)
  if (fields.has(proto.graph.sparseInitializer)) throw unsupported('a sparse initializer')
  const initializers = wire.messages(fields, proto.graph.initializer).map((tensor) => {
    const name = wire.text(tensor, proto.tensor.name)
    return [name, decodeTensor(tensor, `initializer "${name}"`, scope.external)] as const
  })
  const outputs = wire
    .messages(fields, proto.graph.output)
    .map((value) => readValue(value, 'output', scope.depth))
  const read = readNodes(wire.messages(fields, proto.graph.node), scope)
  const { constants, nodes } = liftConstants(read, new Set(outputs.map((value) => value.name)))
  const all = [...initializers, ...constants]
  const named = new Set(all.map(([name]) => name))
  const inputs = wire
    .messages(fields, proto.graph.input)
    .map((value) => readValue(value, 'input', scope.depth, named))
    .filter((value) => !named.has(value.name))
  return {
    name: wire.text(fields, proto.graph.name) || 'graph',
    opsets: scope.opsets,
    irVersion: scope.irVersion,
    inputs,
    outputs,
    initializers: record(all),
    nodes: sortNodes(nodes),
  }
}

function readNodes(list: readonly Fields[], scope: Scope): Node[] {
  const taken = new Set(list.map((fields) => wire.text(fields, proto.node.name)))
  return list.map((fields, index) => {
    const op = wire.text(fields, proto.node.opType)
    if (op === '') throw new Error(`node ${index} has no operator`)
    let name = wire.text(fields, proto.node.name)
    if (name === '') {
      name = `${op}_${index}`
      while (taken.has(name)) name += '_'
      taken.add(name)
    }
    return {
      name,
      op,
      domain: standardDomain(wire.text(fields, proto.node.domain)),
      inputs: wire.texts(fields, proto.node.input),
      outputs: wire.texts(fields, proto.node.output),
      attrs: record(
        wire
          .messages(fields, proto.node.attribute)
          .map((attr) => readAttr(attr, `node "${name}" (${op})`, scope)),
      ),
    }
  })
}

function readAttr(fields: Fields, node: string, scope: Scope): [string, Attr] {
  const { attribute } = proto
  const name = wire.text(fields, attribute.name)
  const where = `${node}, attribute ${name}`
  if (wire.text(fields, attribute.refAttrName)) throw unsupported('a function attribute', where)
  const kind = wire.int(fields, attribute.type) || guessType(fields)
  const required = (no: number): Fields => {
    const found = wire.message(fields, no)
    if (!found) throw new Error(`${where} is empty`)
    return found
  }
  const read = (): Attr => {
    switch (kind) {
      case attributeType.float:
        return { kind: 'float', value: wire.float(fields, attribute.f) }
      case attributeType.int:
        return { kind: 'int', value: wire.int(fields, attribute.i) }
      case attributeType.string:
        return { kind: 'string', value: wire.text(fields, attribute.s) }
      case attributeType.tensor:
        return { kind: 'tensor', value: decodeTensor(required(attribute.t), where, scope.external) }
      case attributeType.graph: {
        const inner = { ...scope, depth: scope.depth + 1 }
        return { kind: 'graph', value: readGraph(required(attribute.g), inner) }
      }
      case attributeType.floats:
        return { kind: 'floats', value: wire.floats(fields, attribute.floats) }
      case attributeType.ints:
        return { kind: 'ints', value: wire.ints(fields, attribute.ints) }
      case attributeType.strings:
        return { kind: 'strings', value: wire.texts(fields, attribute.strings) }
      default:
        throw unsupported('an attribute of a kind that is not supported', where)
    }
  }
  return [name, read()]
}

/** IR version 1 files do not say the kind of an attribute: it is the field that is there. */
function guessType(fields: Fields): number {
  const { attribute } = proto
  const kinds = ['f', 'i', 's', 't', 'g', 'floats', 'ints', 'strings'] as const
  const long = { f: 'float', i: 'int', s: 'string', t: 'tensor', g: 'graph' } as const
  const found = kinds.find((kind) => fields.has(attribute[kind]))
  if (!found) return attributeType.undefined
  return attributeType[found in long ? long[found as keyof typeof long] : (found as 'ints')]
}

/** An initializer cannot safely be a graph output in every runtime version, hence the Identity. */
function liftConstants(
  nodes: readonly Node[],
  outputs: ReadonlySet<string>,
): { constants: (readonly [string, Tensor])[]; nodes: Node[] } {
  const constants: (readonly [string, Tensor])[] = []
  const kept: Node[] = []
  for (const node of nodes) {
    const [output] = node.outputs
    if (node.op !== 'Constant' || node.domain !== '' || !output) kept.push(node)
    else if (outputs.has(output)) {
      const name = `${output}/constant`
      constants.push([name, constantOf(node)])
      kept.push({ ...node, op: 'Identity', inputs: [name], attrs: record<Attr>([]) })
    } else constants.push([output, constantOf(node)])
  }
  return { constants, nodes: kept }
}

function constantOf(node: Node): Tensor {
  const [entry] = Object.entries(node.attrs)
  const attr = entry?.[1]
  switch (attr?.kind) {
    case 'tensor':
      return attr.value
    case 'float':
      return tensorOfFloats([], [attr.value])
    case 'floats':
      return tensorOfFloats([attr.value.length], attr.value)
    case 'int':
      return tensorOfInts([], [attr.value])
    case 'ints':
      return tensorOfInts([attr.value.length], attr.value)
    default:
      throw unsupported('a constant of a kind that is not supported', `node "${node.name}"`)
  }
}

function standardDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain
}

/** Without a prototype: names come from the file, and `constructor` must not be found where it is not. */
function record<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  const result = Object.create(null) as Record<string, T>
  for (const [key, value] of entries) {
    if (key in result) throw new Error(`"${key}" is given twice`)
    result[key] = value
  }
  return result
}

function unsupported(what: string, where?: string): GauntletError {
  return new GauntletError('GNT_MODEL_UNSUPPORTED', { what, where })
}
