import { GraphBuilder } from '../builder.js'
import type { Attr, DType, Graph, Node, Value } from '../ir.js'
import { isFixed, type Shape, type ValueInfos } from '../shapes.js'
import { neededBy } from '../sort.js'
import { elementCount, isFloating } from '../tensor.js'

/** A graph of what follows from constants and shapes alone. */
export interface StaticSlice {
  /** Its inputs are shapes, its outputs `values` and the `trips` of loops. */
  readonly graph: Graph
  /** The value whose shape each input is. */
  readonly shapes: ReadonlyMap<string, Shape>
  /** Small values that could be constants. */
  readonly values: readonly string[]
  /** The output that has one entry for each step of a loop, by the loop's name. */
  readonly trips: ReadonlyMap<string, string>
}

/** Longer lists are data: a table, a mask. */
const mostElements = 4096
const foldable: ReadonlySet<DType> = new Set(['int64', 'int32', 'bool', 'float32', 'float64'])

const random = /^(Random|Bernoulli|Multinomial|Dropout)/

/**
 * The part of a graph that does the arithmetic of sizes, positions and conditions. Of a Loop it holds the states that
 * belong to it, and its number of steps.
 *
 * A floating-point constant could be a weight that somebody trains: what is computed from one is left out, unless it
 * became whole numbers or a truth value.
 */
export function staticSlice(graph: Graph, infos: ValueInfos): StaticSlice {
  const shapes = new Map<string, Shape>()
  const known = new Set(Object.keys(graph.initializers))
  const trainable = new Set(
    Object.entries(graph.initializers).flatMap(([name, { dtype }]) =>
      isFloating(dtype) ? [name] : [],
    ),
  )
  const trips = new Map<string, string>()
  const nodes: Node[] = []
  const read = readShapes(infos, shapes)
  for (const node of graph.nodes) {
    const sliced = read(node) ?? (isStatic(node, known, read) ? within(node, read) : null)
    const loop = sliced ? null : sliceLoop(node, known, read)
    const kept = sliced ?? loop?.node
    if (!kept) continue
    nodes.push(kept)
    if (loop) trips.set(node.name, loop.trips)
    const mayTrain = neededBy(kept).some((name) => trainable.has(name))
    for (const output of kept.outputs.filter((name) => name !== '')) {
      known.add(output)
      const info = infos.get(output)
      if (mayTrain && (!info || isFloating(info.dtype))) trainable.add(output)
    }
  }
  const outputs = new Set(graph.outputs.map(({ name }) => name))
  const isRead = new Set(graph.nodes.flatMap(neededBy))
  const values = nodes
    .flatMap((node) => node.outputs)
    .filter((name) => {
      const info = infos.get(name)
      if (!info || !isRead.has(name) || outputs.has(name) || trainable.has(name)) return false
      const { dtype, shape } = info
      return foldable.has(dtype) && shape.every(isFixed) && elementCount(shape) <= mostElements
    })
  return { ...pruned(graph, nodes, shapes, [...values, ...trips.values()]), values, trips }
}

const asInput = (name: string): Value => ({ name, dtype: 'int64', dims: [null] })

/** Only what the outputs need: no weights, if they can be helped. */
function pruned(
  graph: Graph,
  nodes: readonly Node[],
  shapes: ReadonlyMap<string, Shape>,
  outputs: readonly string[],
): Pick<StaticSlice, 'graph' | 'shapes'> {
  const inputs = [...shapes.keys()].map(asInput)
  const whole = new GraphBuilder({ ...graph, inputs, nodes }).finish(
    inputs,
    outputs.map((name) => ({ name, dtype: 'int64', dims: null })),
  )
  const needed = new Set(whole.nodes.flatMap(neededBy))
  return {
    graph: { ...whole, inputs: inputs.filter(({ name }) => needed.has(name)) },
    shapes: new Map([...shapes].filter(([name]) => needed.has(name))),
  }
}

/** What stands for a Shape or Size of a probed value: the same of a value that has this shape for its elements. */
type ReadShape = (node: Node) => Node | null

const readShapes =
  (infos: ValueInfos, shapes: Map<string, Shape>): ReadShape =>
  (node) => {
    const [of] = node.inputs
    const shape = infos.get(of ?? '')?.shape
    if (node.domain !== '' || !shape || of === undefined) return null
    if (node.op === 'Size') {
      shapes.set(`shape/${of}`, shape)
      return { ...node, op: 'ReduceProd', inputs: [`shape/${of}`], attrs: keepNoDims }
    }
    if (node.op !== 'Shape') return null
    const start = intOf(node, 'start') ?? 0
    const part = shape.slice(start, intOf(node, 'end') ?? shape.length)
    const name = `shape/${of}/${start}/${part.length}`
    shapes.set(name, part)
    return { ...node, op: 'Identity', inputs: [name], attrs: {} }
  }

const keepNoDims: Node['attrs'] = { keepdims: { kind: 'int', value: 0 } }

function intOf(node: Node, name: string): number | undefined {
  const attr = node.attrs[name]
  return attr?.kind === 'int' ? attr.value : undefined
}

const graphsOf = (node: Node): readonly Graph[] =>
  Object.values(node.attrs).flatMap((attr) => (attr.kind === 'graph' ? [attr.value] : []))

/** All that it reads is known, inside its subgraphs as well. */
function isStatic(node: Node, known: ReadonlySet<string>, read: ReadShape): boolean {
  if (node.domain !== '' || random.test(node.op)) return false
  if (!node.inputs.every((name) => name === '' || known.has(name))) return false
  return graphsOf(node).every((body) => {
    const inner = new Set([...known, ...body.inputs.map(({ name }) => name)])
    const { names } = staticNodes(body, inner, read)
    return (
      body.nodes.every((one) => one.outputs.every((name) => name === '' || names.has(name))) &&
      body.outputs.every(({ name }) => names.has(name))
    )
  })
}

/** The node with the Shapes inside its subgraphs read from outside. */
function within(node: Node, read: ReadShape): Node {
  if (graphsOf(node).length === 0) return node
  const inside = (body: Graph): Graph => ({
    ...body,
    nodes: body.nodes.map((one) => read(one) ?? within(one, read)),
  })
  const attrs = Object.entries(node.attrs).map(([key, attr]): [string, Attr] => [
    key,
    attr.kind === 'graph' ? { ...attr, value: inside(attr.value) } : attr,
  ])
  return { ...node, attrs: Object.fromEntries(attrs) }
}

/** The nodes of a body that compute from what is known, and all that is known then. */
function staticNodes(
  body: Graph,
  known: ReadonlySet<string>,
  read: ReadShape,
): { nodes: readonly Node[]; names: ReadonlySet<string> } {
  const names = new Set([...known, ...Object.keys(body.initializers)])
  const nodes = body.nodes.flatMap((node) => {
    const kept = read(node) ?? (isStatic(node, names, read) ? within(node, read) : null)
    if (!kept) return []
    for (const output of kept.outputs) names.add(output)
    return [kept]
  })
  return { nodes, names }
}

/**
 * A Loop with those states alone that follow from shapes and constants, and a list of its steps.
 * @returns null where its condition is not among them
 */
function sliceLoop(
  node: Node,
  known: ReadonlySet<string>,
  read: ReadShape,
): { node: Node; trips: string } | null {
  const body = node.attrs['body']
  if (node.domain !== '' || node.op !== 'Loop' || body?.kind !== 'graph') return null
  const { inputs, outputs, nodes, initializers } = body.value
  const isKnown = (name: string): boolean => name === '' || known.has(name)
  if (!isKnown(node.inputs[0] ?? '') || !isKnown(node.inputs[1] ?? '')) return null
  const count = inputs.length - 2
  let states = Array.from({ length: count }, (_, k) => k).filter((k) =>
    isKnown(node.inputs[2 + k]!),
  )
  for (;;) {
    const carried = states.map((k) => inputs[2 + k]!)
    const own = new Set([...known, ...inputs.slice(0, 2).map(({ name }) => name)])
    for (const { name } of carried) own.add(name)
    const inner = staticNodes({ ...body.value, nodes, initializers }, own, read)
    if (!inner.names.has(outputs[0]!.name)) return null
    const lasting = states.filter((k) => inner.names.has(outputs[1 + k]!.name))
    if (lasting.length < states.length) {
      states = lasting
      continue
    }
    const trips = `${node.name}/trips`
    const step = `${trips}/step`
    const counting: Node = { ...nothing, name: step, inputs: [inputs[0]!.name], outputs: [step] }
    const value: Graph = {
      ...body.value,
      inputs: [...inputs.slice(0, 2), ...carried],
      nodes: [...inner.nodes, counting],
      outputs: [
        outputs[0]!,
        ...states.map((k) => outputs[1 + k]!),
        { name: step, dtype: 'int64', dims: null },
      ],
    }
    return {
      node: {
        ...node,
        inputs: [
          node.inputs[0] ?? '',
          node.inputs[1] ?? '',
          ...states.map((k) => node.inputs[2 + k]!),
        ],
        outputs: [...states.map((k) => node.outputs[k] ?? ''), trips],
        attrs: { ...node.attrs, body: { kind: 'graph', value } },
      },
      trips,
    }
  }
}

const nothing: Node = { name: '', op: 'Identity', domain: '', inputs: [], outputs: [], attrs: {} }
