import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { type Shape, type Size, type ValueInfo, type ValueInfos } from '../graph/shapes.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type Feed, type OutputType } from '../runtime/session.js'
import { computedValues, inferShapes, isInferredRight } from './infer.js'

/** Batch sizes that show which axes follow a free batch. */
const trialSizes = [2, 3] as const

type FeedOf = (n: number) => Record<string, Feed>

/**
 * Finds dtype and shape of every value, at two batch sizes when the batch is free: an axis that grows with the batch
 * follows it. What ONNX Runtime cannot infer, or infers wrongly, is found by running the graph.
 *
 * @param feed - makes the attacked input for a batch of n samples
 * @throws GNT_GRAPH_DYNAMIC_SHAPE when an axis follows the batch in no simple way or depends on values
 */
export async function probeShapes(
  graph: Graph,
  batch: number | null,
  feed: FeedOf,
): Promise<ValueInfos> {
  const sizes = batch === null ? trialSizes : [batch]
  const feeds = sizes.map(feed)
  const seen: Map<string, OutputType>[] = []
  const isInferred = graph.nodes.every(isInferredRight)
  for (const one of feeds) seen.push(isInferred ? await inferShapes(graph, one) : new Map())
  const unknown = computedValues(graph).filter((name) => seen.some((known) => !known.has(name)))
  if (unknown.length > 0) await measure(graph, unknown, feeds, seen)
  const infos = new Map<string, ValueInfo>()
  for (const [name, types] of typesAt(graph, feeds, seen)) {
    const [{ dtype, dims: first }, second] = types
    const shape = second ? followBatch(first, second.dims) : first
    if (!shape) throw strangeShape(name, first, second!.dims)
    infos.set(name, { dtype, shape })
  }
  return infos
}

/** The same for a free batch, without running anything: values that are not known are left out. */
export async function inferInfos(graph: Graph, feed: FeedOf): Promise<ValueInfos> {
  const feeds = trialSizes.map(feed)
  const seen: Map<string, OutputType>[] = []
  for (const one of feeds) seen.push(await inferShapes(graph, one))
  const infos = new Map<string, ValueInfo>()
  for (const [name, [first, second]] of typesAt(graph, feeds, seen)) {
    const shape = followBatch(first.dims, second!.dims)
    if (shape) infos.set(name, { dtype: first.dtype, shape })
  }
  return infos
}

/** Types of the inputs and of the values that are known at all batch sizes. */
function typesAt(
  graph: Graph,
  feeds: readonly Record<string, Feed>[],
  seen: readonly ReadonlyMap<string, OutputType>[],
): [string, [OutputType, OutputType | undefined]][] {
  return [
    ...computedValues(graph).map((name) => [name, seen.map((known) => known.get(name))] as const),
    ...graph.inputs.map(
      ({ name, dtype }) => [name, feeds.map((one) => ({ dtype, dims: one[name]!.dims }))] as const,
    ),
  ].flatMap(([name, types]) => {
    const [first, second] = types
    return first && types.every(Boolean) ? [[name, [first, second]]] : []
  })
}

/** Runs the graph and adds what was not known. */
async function measure(
  graph: Graph,
  unknown: readonly string[],
  feeds: readonly Record<string, Feed>[],
  seen: readonly Map<string, OutputType>[],
): Promise<void> {
  const outputs = unknown.map((name) => ({ name, dtype: 'float32' as const, dims: null }))
  const exposed = encodeModel({ ...graph, outputs })
  const session = await Session.open(exposed, { optimization: 'disabled' })
  try {
    for (const [i, one] of feeds.entries())
      for (const [name, { dtype, dims }] of Object.entries(await session.run(one)))
        seen[i]!.set(name, { dtype, dims })
  } finally {
    await session.close()
  }
}

/** @returns null when an axis follows the batch in no simple way */
function followBatch(a: readonly number[], b: readonly number[]): Shape | null {
  const [sizeA, sizeB] = trialSizes
  const sizes = a.map((size, axis): Size | null => {
    if (size === b[axis]) return size
    const perBatch = (b[axis]! - size) / (sizeB - sizeA)
    return perBatch * sizeA === size ? { perBatch } : null
  })
  return a.length !== b.length || sizes.includes(null) ? null : (sizes as Size[])
}

function strangeShape(name: string, a: readonly number[], b: readonly number[]): GauntletError {
  const [sizeA, sizeB] = trialSizes
  return new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
    what: 'the shape of a value follows the batch in no simple way',
    where: `value ${name}`,
    got: `[${a.join(', ')}] for ${sizeA} samples, [${b.join(', ')}] for ${sizeB}`,
    fix: 'use an attack that needs no gradient',
  })
}
