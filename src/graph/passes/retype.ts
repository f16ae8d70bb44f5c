import type { Attr, Graph, Node, Tensor, Value } from '../ir.js'
import type { ValueInfos } from '../shapes.js'
import { numbers, tensorOf } from '../tensor.js'

type Precision = 'float32' | 'float64'

/** Numbers of TensorProto.DataType. */
const typeNumbers: Readonly<Record<Precision, number>> = { float32: 1, float64: 11 }

/** Attributes that name a type: of what a Cast gives, of random numbers, of the inside of a normalisation. */
const typeAttributes = new Set(['to', 'dtype', 'stash_type', 'softmax_precision', 'output_dtype'])

/** Inputs that the standard types as float32 whatever the other inputs are, by operator. */
const single: Readonly<Record<string, readonly number[]>> = {
  Resize: [2],
  NonMaxSuppression: [0, 1, 3, 4],
}

/**
 * The same graph in another precision: inputs, outputs, constants, Casts and attributes of type `from` become `to`,
 * subgraphs included. Constants are taken as they are: 0.1 in single precision stays the number that it was.
 */
export function retype(graph: Graph, from: Precision, to: Precision): Graph {
  const singles: Record<string, Tensor> = {}
  const value = (one: Value): Value => (one.dtype === from ? { ...one, dtype: to } : one)
  const inside = (inner: Graph): Graph => ({
    ...inner,
    inputs: inner.inputs.map(value),
    outputs: inner.outputs.map(value),
    initializers: mapValues(inner.initializers, (tensor) => retypeTensor(tensor, from, to)),
    nodes: inner.nodes.flatMap((node) => [
      ...singleCasts(node, { from, graph: inner, singles }),
      withSingles(retypeNode(node), inner, from),
    ]),
  })
  const retypeNode = (node: Node): Node => ({
    ...node,
    attrs: { ...defaultsOf(node, from, to), ...mapValues(node.attrs, attribute) },
  })
  const attribute = (attr: Attr, name: string): Attr => {
    if (attr.kind === 'graph') return { ...attr, value: inside(attr.value) }
    if (attr.kind === 'tensor') return { ...attr, value: retypeTensor(attr.value, from, to) }
    const isType = attr.kind === 'int' && typeAttributes.has(name)
    return isType && attr.value === typeNumbers[from] ? { ...attr, value: typeNumbers[to] } : attr
  }
  const whole = inside(graph)
  return { ...whole, initializers: { ...whole.initializers, ...singles } }
}

/** What is known of the values, in the other precision. */
export function retypeInfos(infos: ValueInfos, from: Precision, to: Precision): ValueInfos {
  return new Map(
    [...infos].map(([name, info]) => [name, info.dtype === from ? { ...info, dtype: to } : info]),
  )
}

function retypeTensor(tensor: Tensor, from: Precision, to: Precision): Tensor {
  return tensor.dtype === from ? tensorOf(to, tensor.dims, Array.from(numbers(tensor))) : tensor
}

/** What an operator takes for granted when an attribute is absent. */
function defaultsOf({ op }: Node, from: Precision, to: Precision): Record<string, Attr> {
  if (from !== 'float32') return {}
  const type: Attr = { kind: 'int', value: typeNumbers[to] }
  if (op === 'ConstantOfShape') return { value: { kind: 'tensor', value: tensorOf(to, [1], [0]) } }
  if (op === 'GroupNormalization' || op === 'RMSNormalization') return { stash_type: type }
  return /^Random(Normal|Uniform)$/.test(op) ? { dtype: type } : {}
}

const singleName = (name: string): string => `${name}/single`

/** Names of the inputs of a node that must stay in single precision while the rest becomes double. */
const singlesOf = (node: Node, from: Precision): string[] =>
  from === 'float32' ? (single[node.op] ?? []).flatMap((index) => node.inputs[index] || []) : []

/** Copies of what must stay in single precision: constants as they were, computed values cast back. */
function singleCasts(
  node: Node,
  { from, graph, singles }: { from: Precision; graph: Graph; singles: Record<string, Tensor> },
): Node[] {
  return singlesOf(node, from).flatMap((name) => {
    const tensor = graph.initializers[name]
    if (tensor) singles[singleName(name)] = tensor
    if (tensor) return []
    const to: Attr = { kind: 'int', value: typeNumbers.float32 }
    const output = `${singleName(name)}/${node.outputs[0]}`
    return [
      { name: output, op: 'Cast', domain: '', inputs: [name], outputs: [output], attrs: { to } },
    ]
  })
}

function withSingles(node: Node, graph: Graph, from: Precision): Node {
  const own = new Set(singlesOf(node, from))
  if (own.size === 0) return node
  const renamed = (name: string): string =>
    graph.initializers[name] ? singleName(name) : `${singleName(name)}/${node.outputs[0]}`
  return {
    ...node,
    inputs: node.inputs.map((name, index) =>
      single[node.op]?.includes(index) && own.has(name) ? renamed(name) : name,
    ),
  }
}

function mapValues<T>(
  record: Readonly<Record<string, T>>,
  change: (value: T, key: string) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]))
}
