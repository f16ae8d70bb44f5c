import type { Graph } from '../graph/ir.js'
import { isFixed, type Shape } from '../graph/shapes.js'
import { bytesFor, elementCount } from '../graph/tensor.js'
import type { Session, SessionOptions } from '../runtime/session.js'
import { openGraph } from './open.js'
import type { PreparedNetwork } from './prepare.js'

/** The forward pass, ready to run. @throws GNT_MODEL_RUN with ONNX Runtime's own reason */
export async function openForward(
  prepared: PreparedNetwork,
  options: SessionOptions = {},
): Promise<Session> {
  return openGraph(prepared.forward, prepared.weights, { ...options, packs: packs(prepared) })
}

/** A graph made of the prepared one, ready to run. @throws GNT_MODEL_RUN with ONNX Runtime's own reason */
export async function openStep(
  prepared: PreparedNetwork,
  graph: Graph,
  options: SessionOptions = {},
): Promise<Session> {
  const isFused = prepared.forms !== undefined
  return openGraph(graph, prepared.weights, { ...options, isFused, packs: packs(prepared) })
}

/** From here on a copy for each session is felt: in memory, and in the seconds until the first step. */
const large = 256 * 2 ** 20

/** Rows of a sample from which on reading a weight as it lies costs little: 13 % at 200 rows, 2 % at 1,500. */
const many = 128

/**
 * Whether the sessions keep copies of the weights of products, in the order in which their kernels read them. Without,
 * each call brings them in order, which is paid once for all rows of a call. test/bench/COMPILE-COST.md has the figures.
 */
function packs({ graph, infos, forms }: PreparedNetwork): boolean {
  if (forms) return true
  const bytes = graph.nodes
    .filter(({ op }) => op === 'MatMul' || op === 'Gemm')
    .filter((node) => rowsOf(infos.get(node.outputs[0]!)?.shape) >= many)
    .flatMap(({ inputs }) => inputs.flatMap((name) => graph.initializers[name] ?? []))
    .reduce((sum, { dtype, dims }) => sum + bytesFor(dtype, elementCount(dims)), 0)
  return bytes < large
}

/** Rows of a product that a sample gives: all but the last axis. */
const rowsOf = (shape: Shape = []): number =>
  shape
    .slice(0, -1)
    .reduce<number>((rows, size) => rows * (isFixed(size) ? size : size.perBatch), 1)
