import type { Graph, Node } from '../../graph/ir.js'
import { isFixed } from '../../graph/shapes.js'
import type { PreparedModel } from '../../model/prepare.js'

export interface Feature {
  /** A value (N, width) of the differentiated network. */
  readonly value: string
  readonly width: number
}

/** What the last fully connected layer reads; the logits themselves if the network ends otherwise. */
export function lastFeatures({ graph, infos, logits, classes }: PreparedModel): Feature {
  const producer = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)),
  )
  const none = { value: logits, width: classes }
  let node = producer.get(logits)
  while (node && !isProduct(graph, node)) {
    const next = onlyComputed(graph, node)
    node = next === null ? undefined : producer.get(next)
  }
  const value = node?.inputs[0]
  const info = value === undefined ? undefined : infos.get(value)
  const width = info?.shape[1]
  if (value === undefined || info?.dtype !== 'float32' || info.shape.length !== 2) return none
  return width !== undefined && isFixed(width) ? { value, width } : none
}

/** features · constant matrix */
function isProduct(graph: Graph, { op, inputs, attrs }: Node): boolean {
  const isTransposed = attrs['transA']?.kind === 'int' && attrs['transA'].value === 1
  const isLayer = op === 'MatMul' || (op === 'Gemm' && !isTransposed)
  const [features = '', weight = ''] = inputs
  return isLayer && !(features in graph.initializers) && weight in graph.initializers
}

const light = new Set(['Add', 'Sub', 'Mul', 'Div', 'Identity', 'Reshape', 'Flatten', 'Cast'])

/** What a bias, a factor or a change of shape is applied to; null at anything else. */
function onlyComputed(graph: Graph, { op, inputs }: Node): string | null {
  const computed = inputs.filter((name) => name !== '' && !(name in graph.initializers))
  return light.has(op) && computed.length === 1 ? computed[0]! : null
}
