import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Graph, Node } from '../graph/ir.js'

/** Where a classifier's features are: what its last linear layer reads. */
export interface Penultimate {
  /** The value that the layer reads: (N, width), or (N, width, …positions) of a convolution. */
  readonly value: string
  /** Number of features. */
  readonly width: number
  readonly layer: {
    readonly node: string
    readonly kind: 'dense' | 'convolution'
    /** Name of its weight: a constant, or what is computed of one. */
    readonly weight: string
    /** What is added to its product, as far as that is a constant. */
    readonly bias: string | null
  }
}

/**
 * Finds the last linear layer before the scores: Gemm, MatMul (with Add behind it or not), or a Conv whose positions are
 * averaged. Walks back over what comes after it: Softmax, Sigmoid, a bias or a temperature, changes of shape or type.
 *
 * @param graph - as decoded, of any opset; its weights may lie elsewhere, only their shapes are read
 * @param output - the scores; default the first output
 * @throws GNT_MODEL_UNSUPPORTED where the scores are made by something else, naming it
 */
export function penultimate(graph: Graph, output = graph.outputs[0]?.name ?? ''): Penultimate {
  const producers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)),
  )
  const varying = varyingValues(graph)
  let value = output
  let bias: string | null = null
  for (;;) {
    const node = producers.get(value)
    const found = node && layerOf(node, graph, producers, varying)
    if (found) {
      const { layer } = found
      return { ...found, layer: { ...layer, bias: layer.bias ?? bias } }
    }
    const next = node && behind(node, varying)
    if (next === undefined) throw notFound(output, node)
    if (node?.op === 'Add') bias = node.inputs.find((name) => name !== next) ?? bias
    value = next
  }
}

/**
 * The graph that gives the features alone: output `gauntlet_features` float32 (N, width). Of a convolution, and of a
 * layer that is applied to each token, those are the averages over positions.
 */
export function featureGraph(graph: Graph, { value, width, layer }: Penultimate): Graph {
  const g = new GraphBuilder(graph)
  const isDense = layer.kind === 'dense'
  const flat = g.emit('Reshape', [value, g.ints(isDense ? [0, -1, width] : [0, width, -1])])
  const axes = [isDense ? 1 : 2]
  // Axes became an input in opset 18.
  const mean =
    g.opset < 18
      ? g.emit('ReduceMean', [flat], { axes, keepdims: 0 })
      : g.emit('ReduceMean', [flat, g.ints(axes)], { keepdims: 0 })
  const name = g.emit('Cast', [mean], { to: 1 }, { name: 'gauntlet_features' })
  return g.finish(graph.inputs, [{ name, dtype: 'float32', dims: null }])
}

/** Values that differ from sample to sample; what follows from shapes alone does not. */
function varyingValues(graph: Graph): ReadonlySet<string> {
  const varying = new Set(graph.inputs.map(({ name }) => name))
  for (const { op, inputs, outputs } of graph.nodes)
    if (op !== 'Shape' && op !== 'Size' && inputs.some((name) => varying.has(name)))
      for (const name of outputs) if (name !== '') varying.add(name)
  return varying
}

type Producers = ReadonlyMap<string, Node>

function layerOf(
  node: Node,
  graph: Graph,
  producers: Producers,
  varying: ReadonlySet<string>,
): Penultimate | null {
  const [value = '', weight = '', bias] = node.inputs
  const isLinear = ['Gemm', 'MatMul', 'Conv'].includes(node.op) && node.domain === ''
  if (!isLinear || !varying.has(value) || varying.has(weight) || isSet(node, 'transA')) return null
  const dims = dimsOf(weight, graph, producers)
  if (!dims) return null
  const kind = node.op === 'Conv' ? 'convolution' : 'dense'
  const group = node.attrs['group']?.kind === 'int' ? node.attrs['group'].value : 1
  const width =
    kind === 'convolution' ? (dims[1] ?? 0) * group : (dims[isSet(node, 'transB') ? 1 : 0] ?? 0)
  if (width === 0 || (kind === 'dense' && dims.length !== 2)) return null
  return { value, width, layer: { node: node.name, kind, weight, bias: bias || null } }
}

const isSet = ({ attrs }: Node, name: string): boolean => {
  const attr = attrs[name]
  return attr?.kind === 'int' && attr.value !== 0
}

/** Keep the number and the order of the axes. */
const elementwise = new Set(['Identity', 'Cast', 'QuantizeLinear', 'DequantizeLinear'])

/** Sizes of a weight that is a constant, or one turned or brought to another type. */
function dimsOf(name: string, graph: Graph, producers: Producers): readonly number[] | null {
  const constant = graph.initializers[name]
  if (constant) return constant.dims
  const node = producers.get(name)
  const [from] = node?.inputs ?? []
  if (!node || from === undefined) return null
  if (elementwise.has(node.op)) return dimsOf(from, graph, producers)
  if (node.op !== 'Transpose') return null
  const dims = dimsOf(from, graph, producers)
  const perm = node.attrs['perm']
  if (perm?.kind !== 'ints') return dims?.toReversed() ?? null
  return dims && perm.value.map((axis) => dims[axis] ?? 0)
}

/** What makes scores of other scores, class by class or over the classes. */
const scoreOps = new Set([
  ...elementwise,
  'Softmax',
  'LogSoftmax',
  'Sigmoid',
  'Log',
  'Dropout',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Add',
  'Sub',
  'Mul',
  'Div',
  'GlobalAveragePool',
  'AveragePool',
  'ReduceMean',
])

/** The one value that a node makes scores of; undefined where it is none of these operators, or reads several. */
function behind(node: Node, varying: ReadonlySet<string>): string | undefined {
  const read = node.inputs.filter((name) => varying.has(name))
  return node.domain === '' && scoreOps.has(node.op) && read.length === 1 ? read[0] : undefined
}

const notFound = (output: string, node: Node | undefined): GauntletError =>
  new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'the model has no linear layer at its end, whose inputs would be its features',
    where: `output ${output}`,
    got: node ? `node ${node.name} (${node.op})` : 'a value that no node makes',
    expected: 'Gemm, MatMul or Conv with constant weights',
    fix: 'name the scores with --output',
  })
