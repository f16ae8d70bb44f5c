import type { Graph } from '../graph/ir.js'
import { type Shape, type Size, type ValueInfo, type ValueInfos } from '../graph/shapes.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type Feed } from '../runtime/session.js'
import { GauntletError } from '../errors.js'

/**
 * Finds dtype and shape of every value by running the graph with all values exposed, at two batch sizes
 * when the batch is free: an axis that grows with the batch follows it. No shape inference per operator.
 *
 * @param feed - makes the attacked input for a batch of n samples
 * @throws GNT_GRAPH_DYNAMIC_SHAPE when an axis follows the batch in no simple way or depends on values
 */
export async function probeShapes(
  graph: Graph,
  batch: number | null,
  feed: (n: number) => Record<string, Feed>,
): Promise<ValueInfos> {
  const names = [...new Set(graph.nodes.flatMap((node) => node.outputs))].filter(
    (name) => name !== '',
  )
  const exposed = {
    ...graph,
    outputs: names.map((name) => ({ name, dtype: 'float32' as const, dims: null })),
  }
  const session = await Session.open(encodeModel(exposed), { optimization: 'disabled' })
  try {
    const sizes = batch === null ? [2, 3] : [batch]
    const runs: Record<string, Feed>[] = []
    for (const n of sizes) runs.push(await session.run(feed(n)))
    const infos = new Map<string, ValueInfo>()
    for (const name of names) {
      const seen = runs.map((run) => run[name])
      const first = seen[0]
      if (!first) continue
      const shape =
        seen.length === 1
          ? [...first.dims]
          : followBatch(name, first.dims, seen[1]!.dims, sizes[0]!, sizes[1]!)
      infos.set(name, { dtype: first.dtype, shape })
    }
    for (const input of graph.inputs) {
      const dims = runs.map((_, i) => feed(sizes[i]!)[input.name]!.dims)
      infos.set(input.name, {
        dtype: input.dtype,
        shape:
          dims.length === 1 ? [...dims[0]!] : followBatch(input.name, dims[0]!, dims[1]!, 2, 3),
      })
    }
    return infos
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
