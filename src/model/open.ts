import type { Graph } from '../graph/ir.js'
import { encodeModel } from '../onnx/encode.js'
import type { WeightStore } from '../onnx/weight-store.js'
import { Session, type SessionOptions } from '../runtime/session.js'

/**
 * A session of a graph whose larger weights lie in the store.
 * @throws GNT_MODEL_RUN with ONNX Runtime's own reason
 */
export async function openGraph(
  graph: Graph,
  weights: WeightStore,
  options: SessionOptions = {},
): Promise<Session> {
  const { folder, place } = weights
  return Session.open(encodeModel(graph, { place }), { ...options, folder })
}
