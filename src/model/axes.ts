import { GauntletError } from '../errors.js'
import type { Graph, Tensor, Value } from '../graph/ir.js'
import { batchSymbol } from '../graph/passes/rebatch.js'
import { elementCount, isFloating, tensorOf } from '../graph/tensor.js'
import type { Feed } from '../runtime/session.js'
import { createRng } from '../util/rng.js'

/** Lengths of symbolic axes, by symbol: `{ sequence: 128 }`. */
export type AxisSizes = Readonly<Record<string, number>>

/**
 * Inputs whose only open axis is the batch, called `N`: what the first input that leaves its first axis open calls it
 * is the batch everywhere. Other open axes get the length that is asked for, or 1.
 *
 * @throws GNT_GRAPH_DYNAMIC_SHAPE for an input without a shape; GNT_USAGE for a length of an axis that there is not
 */
export function closeAxes(graph: Graph, sizes: AxisSizes): Graph {
  const open = graph.inputs.flatMap(({ dims }) => dims?.slice(0, 1) ?? [])
  const symbol = open.find((dim) => typeof dim !== 'number')
  const known = graph.inputs.flatMap(({ dims }) => dims ?? [])
  for (const name of Object.keys(sizes))
    if (!known.includes(name) || name === symbol)
      throw new GauntletError('GNT_USAGE', {
        what: 'a length for an axis that has none to be given',
        where: name,
        expected: `one of ${[...new Set(known)].filter((dim) => typeof dim === 'string' && dim !== symbol).join(', ') || 'no axis'}`,
      })
  const close = ({ name, dtype, dims }: Value): Value => {
    if (dims === null)
      throw new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
        what: 'an input without a shape',
        where: `input ${name}`,
        fix: 'export the model with shapes for its inputs',
      })
    const closed = dims.map((dim, axis) => {
      if (typeof dim === 'number') return dim
      const isBatch = dim === null ? axis === 0 && symbol === null : dim === symbol
      return isBatch ? batchSymbol : (sizes[dim ?? ''] ?? 1)
    })
    return { name, dtype, dims: closed }
  }
  return { ...graph, inputs: graph.inputs.map(close) }
}

/** Whether an input leaves the batch open. */
export const hasOpenBatch = ({ inputs }: Graph): boolean =>
  inputs.some(({ dims }) => dims?.includes(batchSymbol))

/** The same inputs at a batch of one. */
export const closeBatch = (graph: Graph): Graph => ({
  ...graph,
  inputs: graph.inputs.map((input) => ({
    ...input,
    dims: input.dims?.map((dim) => (dim === batchSymbol ? 1 : dim)) ?? null,
  })),
})

/** Something to try a graph out on: noise in [0, 1), and ones, which are indices of almost anything. */
export function trialFeeds({ inputs }: Graph, n: number): Record<string, Feed> {
  return Object.fromEntries(inputs.map((input) => [input.name, trialFeed(input, n)]))
}

function trialFeed({ name, dtype, dims }: Value, n: number): Feed {
  const sizes = (dims ?? []).map((dim) => (typeof dim === 'number' ? dim : lengthOf(dim, n)))
  const rng = createRng('trial', name, n)
  const values = Array.from({ length: elementCount(sizes) }, () =>
    isFloating(dtype) ? rng.uniform() : 1,
  )
  return feedOfTensor(tensorOf(dtype, sizes, values))
}

/** `N` or `4N` at a batch of n. */
const lengthOf = (dim: string | null, n: number): number =>
  (Number.parseInt(dim ?? '', 10) || 1) * n

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  uint16: Uint16Array,
  float16: Uint16Array,
} as const

export function feedOfTensor({ dtype, dims, data }: Tensor): Feed {
  if (dtype in arrays) {
    const Elements = arrays[dtype as keyof typeof arrays]
    return { dtype, dims, data: new Elements(new Uint8Array(data).buffer) }
  }
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: `values of type ${dtype} cannot be fed`,
  })
}
