import type { Graph, Node } from '../ir.js'
import { intAttr, intsAttr } from './step.js'

/** Operators whose first output has as many axes as their first input. */
const sameRank = new Set(
  (
    'Abs AveragePool BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose CumSum DepthToSpace Dropout Elu Erf ' +
    'Exp Floor GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Hardmax Identity InstanceNormalization ' +
    'LayerNormalization LeakyRelu Log LogSoftmax LpNormalization LRN MaxPool Neg Not Pad PRelu Reciprocal Relu ' +
    'Resize Round Selu Sigmoid Sign Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Tanh ThresholdedRelu ' +
    'Tile Transpose Upsample'
  ).split(' '),
)

/** Operators that broadcast: the output has as many axes as the input with most. */
const broadcasting = new Set(
  'Add And Div Equal Greater Less Max Mean Min Mod Mul Or Pow Sub Sum Where Xor'.split(' '),
)

/**
 * Ranks of values in one walk over a graph in its legacy form, as far as they follow from the graph alone.
 * @param known - ranks from elsewhere; they win
 */
export function inferRanks(
  graph: Graph,
  known: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const ranks = new Map(known)
  const learn = (name: string, rank: number | undefined): void => {
    if (name !== '' && rank !== undefined && !ranks.has(name)) ranks.set(name, rank)
  }
  for (const [name, tensor] of Object.entries(graph.initializers)) learn(name, tensor.dims.length)
  for (const { name, dims } of [...graph.inputs, ...graph.outputs]) learn(name, dims?.length)
  for (const node of graph.nodes) {
    const rank = rankOfOutput(node, graph, ranks)
    for (const output of node.op === 'Split' ? node.outputs : node.outputs.slice(0, 1)) {
      learn(output, rank)
    }
  }
  return ranks
}

function rankOfOutput(
  node: Node,
  graph: Graph,
  ranks: ReadonlyMap<string, number>,
): number | undefined {
  if (node.domain !== '') return undefined
  const inputs = node.inputs.map((name) => ranks.get(name))
  const [first, second] = inputs
  if (sameRank.has(node.op)) return first
  if (broadcasting.has(node.op)) return maximum(inputs)
  const axes = intsAttr(node, 'axes')?.length
  switch (node.op) {
    case 'Gemm':
    case 'Flatten':
      return 2
    case 'MatMul':
      return first !== undefined && second !== undefined && first > 1 && second > 1
        ? Math.max(first, second)
        : undefined
    case 'Reshape':
      return graph.initializers[node.inputs[1] ?? '']?.dims[0]
    case 'Squeeze':
      return first !== undefined && axes !== undefined ? first - axes : undefined
    case 'Unsqueeze':
      return first !== undefined && axes !== undefined ? first + axes : undefined
    case 'Gather':
      return first !== undefined && second !== undefined ? first + second - 1 : undefined
    case 'Shape':
      return 1
  }
  if (!node.op.startsWith('Reduce')) return undefined
  if (intAttr(node, 'keepdims', 1) === 1) return first
  return first !== undefined && axes !== undefined ? first - axes : undefined
}

function maximum(ranks: readonly (number | undefined)[]): number | undefined {
  return ranks.reduce(
    (most, rank) => (most === undefined || rank === undefined ? undefined : Math.max(most, rank)),
    0,
  )
}
