import { sha256 } from '../util/hash.js'
import type { Attr, Dim, Graph, Node, Tensor, Value } from './ir.js'
import { elementCount, numbers } from './tensor.js'

/** Constants up to this many elements are printed in full, larger ones as a digest. */
const inlineElements = 8

/**
 * A graph as text, one line per input, constant, node and output: equal graphs give equal text, whatever the
 * order of attributes and constants. For golden tests and for people.
 */
export function print(graph: Graph): string {
  const opsets = Object.entries(graph.opsets)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`)
  return (
    [`graph ${name(graph.name)} (${opsets.join(', ')})`, ...body(graph, '  ')].join('\n') + '\n'
  )
}

function body(graph: Graph, indent: string): string[] {
  const constants = Object.entries(graph.initializers).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return [
    ...graph.inputs.map((value) => `in ${typed(value)}`),
    ...constants.map(([key, tensor]) => `const ${name(key)}: ${constant(tensor)}`),
    ...graph.nodes.flatMap((node) => line(node)),
    ...graph.outputs.map((value) => `out ${typed(value)}`),
  ].map((text) => indent + text)
}

function line(node: Node): string[] {
  const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`
  const attrs = Object.entries(node.attrs).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const plain = attrs.flatMap(([key, attr]) =>
    attr.kind === 'graph' ? [] : [`${name(key)}=${printAttr(attr)}`],
  )
  const head = `${node.outputs.map(name).join(', ')} = ${op}(${node.inputs.map(name).join(', ')})`
  const tail = plain.length > 0 ? ` {${plain.join(', ')}}` : ''
  const subgraphs = attrs.flatMap(([key, attr]) =>
    attr.kind === 'graph' ? [`  ${name(key)}:`, ...body(attr.value, '    ')] : [],
  )
  return [`${head}${tail} #${name(node.name)}`, ...subgraphs]
}

function printAttr(attr: Exclude<Attr, { kind: 'graph' }>): string {
  switch (attr.kind) {
    case 'int':
      return String(attr.value)
    case 'float':
      return `${attr.value}f`
    case 'string':
      return JSON.stringify(attr.value)
    case 'tensor':
      return constant(attr.value)
    case 'ints':
      return `[${attr.value.join(', ')}]`
    case 'floats':
      return `[${attr.value.map((value) => `${value}f`).join(', ')}]`
    case 'strings':
      return JSON.stringify(attr.value)
  }
}

function constant(tensor: Tensor): string {
  const isSmall = tensor.dtype !== 'string' && elementCount(tensor.dims) <= inlineElements
  const data = isSmall
    ? `{${Array.from(numbers(tensor)).join(', ')}}`
    : `sha256:${sha256(tensor.data).slice(0, 12)}`
  return `${tensor.dtype}${shape(tensor.dims)} ${data}`
}

function typed(value: Value): string {
  return `${name(value.name)}: ${value.dims ? value.dtype + shape(value.dims) : '?'}`
}

function shape(dims: readonly Dim[]): string {
  return `[${dims.map((dim) => dim ?? '?').join(', ')}]`
}

/** Names come from files: one with odd characters is quoted, so that a line stays one line. */
function name(text: string): string {
  if (text === '') return '_'
  return /^[\w./:%@-]+$/.test(text) ? text : JSON.stringify(text)
}
