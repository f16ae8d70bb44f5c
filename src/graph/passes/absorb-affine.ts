import { GraphBuilder } from '../builder.js'
import type { Graph, Node, Tensor } from '../ir.js'
import type { ValueInfos } from '../shapes.js'
import { elementCount, numbers, tensorOfFloats } from '../tensor.js'
import { readersOf } from './readers.js'

/**
 * Moves a normalisation in front of a Conv into its weights: Conv((X − m) / d, W) = Conv(X − m, W / d), and
 * without padding Conv(X − m, W) = Conv(X, W) − Σ W·m. With padding m stays, because a padded 0 is not m.
 * One pass over the images less, forward and (because W's own gradient rule then carries 1 / d) backward.
 *
 * @param graph - the network before it is differentiated
 * @returns the same function up to the rounding of the weights
 */
export function absorbAffine(graph: Graph, infos: ValueInfos): Graph {
  let current = graph
  for (let next = absorbOne(current, infos); next !== null; next = absorbOne(current, infos))
    current = next
  return current
}

/** One elementwise node into the Convs that read it; null when there is none left. */
function absorbOne(graph: Graph, infos: ValueInfos): Graph | null {
  const { readers, isOutput } = readersOf(graph)
  for (const node of graph.nodes) {
    const [x, c] = node.inputs as [string, string]
    const change = affineOf(node, graph)
    const channels = infos.get(x)?.shape[1]
    if (!change || typeof channels !== 'number' || isOutput(node.outputs[0]!)) continue
    const values = perChannel(graph.initializers[c]!, channels, infos.get(x)!.shape.length)
    const convs = readers(node.outputs[0]!)
    if (!values || convs.length === 0 || (change === 'divide' && values.includes(0))) continue
    if (!convs.every((conv) => canAbsorb(conv, node.outputs[0]!, graph, change))) continue
    const g = new GraphBuilder(graph, infos)
    for (const conv of convs) absorb(g, conv, x, values, change)
    return g.finish(graph.inputs, graph.outputs)
  }
  return null
}

type Change = 'scale' | 'divide' | 'add' | 'subtract'

function affineOf(node: Node, graph: Graph): Change | null {
  const constant = node.inputs[1] === undefined ? undefined : graph.initializers[node.inputs[1]]
  if (constant?.dtype !== 'float32' || graph.initializers[node.inputs[0]!]) return null
  const changes: Partial<Record<string, Change>> = {
    Mul: 'scale',
    Div: 'divide',
    Add: 'add',
    Sub: 'subtract',
  }
  return node.domain === '' ? (changes[node.op] ?? null) : null
}

/** One number per channel, from dims like [], [1, C, 1, 1] or [C, 1, 1]. */
function perChannel(tensor: Tensor, channels: number, rank: number): number[] | null {
  const values = Array.from(numbers(tensor))
  if (values.length === 1 && tensor.dims.length <= rank)
    return Array.from({ length: channels }, () => values[0]!)
  const channelAxis = tensor.dims.length - (rank - 1)
  const others = tensor.dims.every((size, axis) => axis === channelAxis || size === 1)
  return others && values.length === channels && tensor.dims[channelAxis] === channels
    ? values
    : null
}

function canAbsorb(conv: Node, value: string, graph: Graph, change: Change): boolean {
  const [x, w, b] = conv.inputs
  const isConv =
    conv.op === 'Conv' && conv.domain === '' && x === value && w !== value && b !== value
  if (!isConv || graph.initializers[w!]?.dtype !== 'float32') return false
  if (change === 'scale' || change === 'divide') return true
  const { pads, auto_pad: autoPad } = conv.attrs
  const isUnpadded =
    autoPad?.kind === 'string' && autoPad.value !== 'NOTSET'
      ? autoPad.value === 'VALID'
      : pads?.kind !== 'ints' || pads.value.every((pad) => pad === 0)
  return isUnpadded && (!b || graph.initializers[b]?.dtype === 'float32')
}

function absorb(
  g: GraphBuilder,
  conv: Node,
  x: string,
  values: readonly number[],
  change: Change,
): void {
  const weight = g.initializer(conv.inputs[1]!)!
  const from = numbers(weight)
  const [M, perGroup] = weight.dims as [number, number]
  const taps = elementCount(weight.dims.slice(2))
  const outputsPerGroup = (M * perGroup) / values.length
  const channelOf = (k: number): number => {
    const m = Math.floor(k / (perGroup * taps))
    return Math.floor(m / outputsPerGroup) * perGroup + (Math.floor(k / taps) % perGroup)
  }
  const inputs = [x, ...conv.inputs.slice(1)]
  if (change === 'scale' || change === 'divide') {
    const by = change === 'scale' ? values : values.map((value) => 1 / value)
    const scaled = Float32Array.from(from, (value, k) => value * by[channelOf(k)]!)
    inputs[1] = g.constant(tensorOfFloats(weight.dims, scaled), `${conv.inputs[1]}_scaled`)
  } else {
    const sign = change === 'add' ? 1 : -1
    const bias = conv.inputs[2]
      ? Array.from(numbers(g.initializer(conv.inputs[2])!))
      : Array.from({ length: M }, () => 0)
    for (let k = 0; k < from.length; k++)
      bias[Math.floor(k / (perGroup * taps))]! += sign * from[k]! * values[channelOf(k)]!
    inputs[2] = g.constant(tensorOfFloats([M], bias), `${conv.inputs[1]}_shift`)
  }
  g.rewire(conv, inputs)
}
