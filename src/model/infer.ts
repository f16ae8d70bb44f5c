import type { Attr, Graph, Node, Tensor } from '../graph/ir.js'
import { nonTensors } from '../graph/sequences.js'
import { elementCount } from '../graph/tensor.js'
import { encodeModel } from '../onnx/encode.js'
import { foldSizes } from './fold-sizes.js'
import { Session, type Feed, type OutputType } from '../runtime/session.js'

type Types = Map<string, OutputType>
type Sizes = Readonly<Record<string, Pick<Feed, 'dims'>>>

/**
 * dtype and shape of the values of a graph for inputs of given sizes, as ONNX Runtime infers them from the operators:
 * nothing is run, and no weight is copied. Left out is what depends on data, and what ONNX Runtime does not know.
 *
 * @returns nothing at all where ONNX Runtime does not accept the graph
 */
export async function inferShapes(graph: Graph, inputs: Sizes): Promise<Types> {
  const bound = bind(graph, inputs)
  let light = weightless(bound)
  // A few kernels want their weights as constants.
  const types = (await typesIn(light)) ?? (await typesIn(bound)) ?? new Map<string, OutputType>()
  if (types.size === 0) return types
  for (const { name, dtype, dims } of bound.inputs)
    if (dims?.every((size) => typeof size === 'number')) types.set(name, { dtype, dims })
  const isKnown = (name: string): boolean => types.has(name)
  // Sizes computed from sizes are followed by the runtime through the commonest operators only.
  while (!computedValues(graph).every(isKnown)) {
    const folded = await foldSizes(light, types)
    const more = folded && (await typesIn(folded))
    if (!more) break
    for (const [name, type] of more) types.set(name, type)
    light = folded
  }
  return types
}

const pools = new Set(['AveragePool', 'LpPool', 'MaxPool'])

/**
 * ONNX Runtime 1.30's kernels of pools leave out a window that starts beyond the image, and pad dilated windows as if
 * they were not; its shape inference does neither.
 */
export function isInferredRight({ op, domain, attrs }: Node): boolean {
  if (domain !== '' || !pools.has(op)) return true
  const { ceil_mode: ceil, auto_pad: auto, dilations } = attrs
  const isCeil = ceil?.kind === 'int' && ceil.value === 1
  const isDilated = dilations?.kind === 'ints' && dilations.value.some((size) => size !== 1)
  return !isCeil && !(isDilated && auto?.kind === 'string' && auto.value.startsWith('SAME'))
}

/** Every tensor computed by a node. */
export function computedValues(graph: Graph): string[] {
  const others = nonTensors(graph)
  const names = new Set(graph.nodes.flatMap(({ outputs }) => outputs))
  return [...names].filter((name) => name !== '' && !others.has(name))
}

/** Types of the outputs, as far as they are known, or null when ONNX Runtime does not accept the graph. */
async function typesIn(graph: Graph): Promise<Types | null> {
  const types = await typesOf(graph)
  // No axes: either a scalar, or a value of unknown rank. The length of its shape tells.
  const unclear = [...(types ?? [])].filter(([, { dims }]) => dims.length === 0)
  if (!types || unclear.length === 0) return types
  const names = unclear.map(([name]) => name)
  const ranks = await typesOf(shapesOf(graph, names))
  for (const name of names) if (ranks?.get(shapeName(name))?.dims[0] !== 0) types.delete(name)
  return types
}

async function typesOf(graph: Graph): Promise<Types | null> {
  const options = { optimization: 'disabled' } as const
  const session = await Session.open(encodeModel(graph), options).catch(() => null)
  const types = session && new Map(session.outputTypes)
  await session?.close()
  return types
}

/** All values as outputs. What a file declares of its values may be wrong, and is left out. */
function bind(graph: Graph, sizes: Sizes): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map(undeclaredWithin),
    inputs: graph.inputs.map((input) => ({
      ...input,
      dims: sizes[input.name]?.dims ?? input.dims,
    })),
    outputs: computedValues(graph).map((name) => ({ name, dtype: 'float32', dims: null })),
  }
}

function undeclaredWithin(node: Node): Node {
  const attrs = Object.entries(node.attrs)
  if (!attrs.some(([, attr]) => attr.kind === 'graph')) return node
  const open = attrs.map(([name, attr]): [string, Attr] => [
    name,
    attr.kind === 'graph' ? { kind: 'graph', value: undeclared(attr.value) } : attr,
  ])
  return { ...node, attrs: Object.fromEntries(open) }
}

function undeclared(graph: Graph): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map(undeclaredWithin),
    inputs: graph.inputs.map((value) => ({ ...value, dims: null })),
    outputs: graph.outputs.map((value) => ({ ...value, dims: null })),
  }
}

/** Constants that are longer than this hold weights, not sizes, axes or scales on which a shape depends. */
const mostSizes = 256

const isWeight = ({ dtype, dims }: Tensor): boolean =>
  dtype !== 'int64' && dtype !== 'int32' && elementCount(dims) > mostSizes

/** Weights are inputs of the same shape. */
function weightless(graph: Graph): Graph {
  const constants = Object.entries(graph.initializers)
  const weights = constants.filter(([, tensor]) => isWeight(tensor))
  return {
    ...graph,
    initializers: Object.fromEntries(constants.filter(([, tensor]) => !isWeight(tensor))),
    inputs: [...graph.inputs, ...weights.map(([name, { dtype, dims }]) => ({ name, dtype, dims }))],
  }
}

const shapeName = (name: string): string => `${name}/shape`

/** A graph whose outputs are the shapes of some of its values. */
function shapesOf(graph: Graph, names: readonly string[]): Graph {
  const shapes = names.map((name): Node => {
    const output = shapeName(name)
    return { name: output, op: 'Shape', domain: '', inputs: [name], outputs: [output], attrs: {} }
  })
  return {
    ...graph,
    nodes: [...graph.nodes, ...shapes],
    outputs: shapes.map(({ name }) => ({ name, dtype: 'int64', dims: [null] })),
  }
}
