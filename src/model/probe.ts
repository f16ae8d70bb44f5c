import { GauntletError } from '../errors.js'
import type { DType, Graph } from '../graph/ir.js'
import { type Shape, type Size, type ValueInfo, type ValueInfos } from '../graph/shapes.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type Feed, type OutputType } from '../runtime/session.js'
import { computedValues, inferShapes } from './infer.js'

/**
 * Finds dtype and shape of every value, at two batch sizes when the batch is free: an axis that grows with the batch
 * follows it. What ONNX Runtime cannot infer is found by running the graph.
 *
 * @param feed - makes the attacked input for a batch of n samples
 * @throws GNT_GRAPH_DYNAMIC_SHAPE when an axis follows the batch in no simple way or depends on values
 */
export async function probeShapes(
  graph: Graph,
  batch: number | null,
  feed: (n: number) => Record<string, Feed>,
): Promise<ValueInfos> {
  const sizes = batch === null ? [2, 3] : [batch]
  const feeds = sizes.map(feed)
  const seen: Map<string, OutputType>[] = []
  for (const one of feeds) seen.push(new Map(await inferShapes(graph, one)))
  const unknown = computedValues(graph).filter((name) => seen.some((known) => !known.has(name)))
  if (unknown.length > 0) await measure(graph, unknown, feeds, seen)
  const infos = new Map<string, ValueInfo>()
  const know = (name: string, dtype: DType, dims: readonly (readonly number[])[]): void => {
    const [first = [], second] = dims
    const shape = second ? followBatch(name, first, second, sizes[0]!, sizes[1]!) : [...first]
    infos.set(name, { dtype, shape })
  }
  for (const name of computedValues(graph)) {
    const types = seen.map((known) => known.get(name))
    if (types[0])
      know(
        name,
        types[0].dtype,
        types.map((type) => type!.dims),
      )
  }
  for (const { name, dtype } of graph.inputs)
    know(
      name,
      dtype,
      feeds.map((one) => one[name]!.dims),
    )
  return infos
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

function followBatch(
  name: string,
  a: readonly number[],
  b: readonly number[],
  sizeA: number,
  sizeB: number,
): Shape {
  const sizes = a.map((size, axis): Size | null => {
    if (size === b[axis]) return size
    const perBatch = (b[axis]! - size) / (sizeB - sizeA)
    return perBatch * sizeA === size ? { perBatch } : null
  })
  if (a.length !== b.length || sizes.includes(null))
    throw new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
      what: 'the shape of a value follows the batch in no simple way',
      where: `value ${name}`,
      got: `[${a.join(', ')}] for ${sizeA} samples, [${b.join(', ')}] for ${sizeB}`,
      fix: 'use an attack that needs no gradient',
    })
  return sizes as Size[]
}
