import { GauntletError } from '../errors.js'
import type { Attr, Graph, Node, Tensor } from '../graph/ir.js'
import { staticSlice, type StaticSlice } from '../graph/passes/static-slice.js'
import { isFixed, type Shape, type ValueInfos } from '../graph/shapes.js'
import { tensorOfBools, tensorOfInts } from '../graph/tensor.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type Feed } from '../runtime/session.js'

/** What is equal at all of these batch sizes does not follow the batch. */
const trialSizes = [1, 2, 3, 5, 64]

/**
 * Turns what follows from constants and shapes alone into constants: positions, sizes, conditions, numbers of steps.
 * A Loop that runs a fixed number of steps says so afterwards. ONNX Runtime computes the values, from shapes at several
 * batch sizes; what follows the batch stays.
 *
 * The condition of an If may differ at a batch of one, where exporters drop axes of length 1: the branch of larger
 * batches serves there as well.
 *
 * @param batch - the batch size the network is bound to, or null
 * @returns the same graph when there was nothing to do
 */
export async function foldStatic(
  graph: Graph,
  infos: ValueInfos,
  batch: number | null,
): Promise<Graph> {
  const slice = staticSlice(graph, infos)
  if (slice.graph.outputs.length === 0) return graph
  const sizes = batch === null ? trialSizes : [batch]
  const runs = await evaluate(slice, sizes)
  if (!runs) return graph
  const isCondition = new Set(graph.nodes.flatMap(({ op, inputs }) => (op === 'If' ? inputs : [])))
  const constants = new Map<string, Tensor>()
  for (const name of slice.values) {
    const seen = runs.map((run) => run[name]!)
    const compared = isCondition.has(name) && seen.length > 1 ? seen.slice(1) : seen
    if (compared.every((one) => isEqual(one, compared[0]!)))
      constants.set(name, constantOf(compared[0]!))
  }
  const trips = new Map<string, number>()
  for (const [loop, name] of slice.trips) {
    const [first, ...others] = runs.map((run) => run[name]!.dims[0]!)
    if (others.every((count) => count === first)) trips.set(loop, first!)
  }
  return folded(graph, constants, trips)
}

/** @returns null where ONNX Runtime does not want to run it at one of the sizes */
async function evaluate(
  { graph, shapes }: StaticSlice,
  sizes: readonly number[],
): Promise<Record<string, Feed>[] | null> {
  const runs: Record<string, Feed>[] = []
  try {
    const session = await Session.open(encodeModel(graph), { optimization: 'disabled' })
    try {
      for (const size of sizes) {
        const feeds = [...shapes].map(([name, shape]) => [name, feedOf(shape, size)])
        runs.push(await session.run(Object.fromEntries(feeds)))
      }
    } finally {
      await session.close()
    }
  } catch (error) {
    if (error instanceof GauntletError && error.code === 'GNT_MODEL_RUN') return null
    throw error
  }
  return runs
}

function feedOf(shape: Shape, batch: number): Feed {
  const data = BigInt64Array.from(shape, (size) =>
    BigInt(isFixed(size) ? size : size.perBatch * batch),
  )
  return { dtype: 'int64', dims: [shape.length], data }
}

const bytesOf = ({ data }: Feed): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

function isEqual(a: Feed, b: Feed): boolean {
  return a.dims.join() === b.dims.join() && Buffer.compare(bytesOf(a), bytesOf(b)) === 0
}

const constantOf = (feed: Feed): Tensor => ({
  dtype: feed.dtype,
  dims: [...feed.dims],
  data: bytesOf(feed),
})

function folded(
  graph: Graph,
  constants: ReadonlyMap<string, Tensor>,
  trips: ReadonlyMap<string, number>,
): Graph {
  const counts: Record<string, Tensor> = {}
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (node.outputs.every((name) => name === '' || constants.has(name))) return []
    // Some of the outputs are constants now; the node still makes them, under names that nobody reads.
    const outputs = node.outputs.map((name) => (constants.has(name) ? `${name}/unread` : name))
    const kept = outputs.some((name, k) => name !== node.outputs[k]) ? { ...node, outputs } : node
    const count = trips.get(node.name)
    const name = `${node.name}/count`
    if (count === undefined || node.inputs[0] === name) return [kept]
    counts[name] = tensorOfInts([], [count])
    return [counted(kept, name)]
  })
  if (constants.size === 0 && Object.keys(counts).length === 0) return graph
  return {
    ...graph,
    nodes,
    initializers: { ...graph.initializers, ...Object.fromEntries(constants), ...counts },
  }
}

/** A Loop that runs `count` steps, whatever its body says. */
function counted(node: Node, count: string): Node {
  const { value: body } = node.attrs['body'] as Extract<Attr, { kind: 'graph' }>
  const [yes, goesOn] = [`${count}/true`, `${count}/goes-on`]
  const hold: Node = {
    name: goesOn,
    op: 'Identity',
    domain: '',
    inputs: [yes],
    outputs: [goesOn],
    attrs: {},
  }
  const dims = body.inputs[1]?.dims?.length === 1 ? [1] : []
  const value: Graph = {
    ...body,
    initializers: { ...body.initializers, [yes]: tensorOfBools(dims, [true]) },
    nodes: [...body.nodes, hold],
    outputs: [{ name: goesOn, dtype: 'bool', dims }, ...body.outputs.slice(1)],
  }
  return {
    ...node,
    inputs: [count, '', ...node.inputs.slice(2)],
    attrs: { ...node.attrs, body: { kind: 'graph', value } },
  }
}
