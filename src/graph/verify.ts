import { GauntletError } from '../errors.js'
import type { Attr, Graph, Node, Tensor } from './ir.js'
import { byteLengthOf, bytesFor, elementCount } from './tensor.js'

/**
 * Checks what every pass must leave behind: each value defined once and before it is used, outputs that exist,
 * attributes of a known kind, an opset version for every domain, constants with the bytes their dims ask for.
 *
 * @throws GauntletError GNT_GRAPH_INVALID naming the first problem
 */
export function verify(graph: Graph): Graph {
  verifyIn(graph, new Set())
  return graph
}

/** @param outer - values of the graphs around; a subgraph may use them, and may hide them by its own */
function verifyIn(graph: Graph, outer: ReadonlySet<string>): void {
  const own = new Set<string>()
  const define = (name: string, where: string): void => {
    if (own.has(name)) throw invalid('a value is defined twice', where, name)
    own.add(name)
  }
  for (const input of graph.inputs) define(input.name, `input "${input.name}"`)
  for (const [name, tensor] of Object.entries(graph.initializers)) {
    define(name, `initializer "${name}"`)
    verifyTensor(tensor, `initializer "${name}"`)
  }
  const known = new Set([...outer, ...own])
  for (const node of graph.nodes) {
    const where = `node "${node.name}" (${node.op})`
    for (const input of node.inputs) {
      if (input !== '' && !known.has(input)) {
        throw invalid('a value is used before it is defined, or never defined', where, input)
      }
    }
    verifyNode(node, graph, where, known)
    for (const output of node.outputs) {
      if (output === '') continue
      define(output, where)
      known.add(output)
    }
  }
  for (const output of graph.outputs) {
    if (!known.has(output.name))
      throw invalid('an output is never defined', graph.name, output.name)
  }
}

function verifyNode(node: Node, graph: Graph, where: string, known: ReadonlySet<string>): void {
  if (node.op === '') throw invalid('a node has no operator', where)
  if (!Object.hasOwn(graph.opsets, node.domain)) {
    throw invalid('a node is of a domain without an opset version', where, node.domain || 'ai.onnx')
  }
  for (const [name, attr] of Object.entries(node.attrs)) {
    verifyAttr(attr, `${where}, attribute ${name}`, known)
  }
}

function verifyAttr(attr: Attr, where: string, known: ReadonlySet<string>): void {
  const { kind } = attr
  switch (kind) {
    case 'tensor':
      return verifyTensor(attr.value, where)
    case 'graph':
      return verifyIn(attr.value, known)
    case 'int':
    case 'float':
    case 'string':
    case 'ints':
    case 'floats':
    case 'strings':
      return
    default:
      throw invalid('an attribute is of an unknown kind', where, String(kind satisfies never))
  }
}

function verifyTensor(tensor: Tensor, where: string): void {
  if (!tensor.dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
    throw invalid('a constant has a size that is not a whole number', where, `[${tensor.dims}]`)
  }
  const expected = bytesFor(tensor.dtype, elementCount(tensor.dims))
  const length = byteLengthOf(tensor)
  if (tensor.dtype !== 'string' && length !== expected) {
    throw new GauntletError('GNT_GRAPH_INVALID', {
      what: 'a constant does not have the bytes its dims ask for',
      where,
      got: `${length} bytes`,
      expected: `${expected} (${tensor.dtype} [${tensor.dims.join(', ')}])`,
    })
  }
}

function invalid(what: string, where: string, got?: string): GauntletError {
  return new GauntletError('GNT_GRAPH_INVALID', { what, where, got: got && `"${got}"` })
}
