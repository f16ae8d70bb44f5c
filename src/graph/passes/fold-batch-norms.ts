import type { Graph, Node, Tensor } from '../ir.js'
import { neededBy } from '../sort.js'
import { floats, ownFloats, tensorMadeOf, tensorOfOwn } from '../tensor.js'
import { readersOf } from './readers.js'

/**
 * A BatchNormalization that alone reads a Conv goes into its weights: with f = scale / √(var + ε) per channel,
 * W′ = f·W and B′ = f·(B − mean) + shift. ONNX Runtime does the same in every session that it opens; done here, once for
 * all of them, and in the same single precision step by step, the network that runs keeps its bits.
 *
 * @returns the graph as ONNX Runtime's own pass leaves it, without what the new weights were made of
 */
export function foldBatchNorms(graph: Graph): Graph {
  const { readers, isOutput } = readersOf(graph)
  const initializers: Record<string, Tensor> = { ...graph.initializers }
  const folded = new Map<Node, Node>()
  const gone = new Set<Node>()
  for (const conv of graph.nodes) {
    const [output] = conv.outputs
    if (conv.op !== 'Conv' || conv.domain !== '' || output === undefined || isOutput(output))
      continue
    const [norm, ...others] = readers(output)
    if (!norm || others.length > 0 || !normalises(norm, output)) continue
    const parts = fold(conv, norm, graph.initializers)
    if (!parts) continue
    const names = parts.map((tensor, k) => {
      let name = `${conv.inputs[k + 1] || output}_normalised`
      while (name in initializers) name += '_'
      initializers[name] = tensor
      return name
    })
    folded.set(conv, {
      ...conv,
      inputs: [conv.inputs[0]!, ...names],
      outputs: norm.outputs.slice(0, 1),
    })
    gone.add(norm)
  }
  if (folded.size === 0) return graph
  const nodes = graph.nodes
    .filter((node) => !gone.has(node))
    .map((node) => folded.get(node) ?? node)
  // What the folded ones were made of would be written and mapped beside them.
  const read = new Set(nodes.flatMap(neededBy))
  const kept = Object.entries(initializers).filter(([name]) => read.has(name) || isOutput(name))
  return { ...graph, nodes, initializers: Object.fromEntries(kept) }
}

/** With stored statistics. */
function normalises({ op, domain, inputs, outputs, attrs }: Node, value: string): boolean {
  const { training_mode: training } = attrs
  return (
    op === 'BatchNormalization' &&
    domain === '' &&
    inputs[0] === value &&
    inputs.lastIndexOf(value) === 0 &&
    outputs.filter((name) => name !== '').length === 1 &&
    !(training?.kind === 'int' && training.value !== 0)
  )
}

/** Weight and bias of the Conv that does both; null where some part is no float32 constant. */
function fold(
  conv: Node,
  norm: Node,
  constants: Graph['initializers'],
): readonly [Tensor, Tensor] | null {
  const [weight, ...statistics] = [conv.inputs[1]!, ...norm.inputs.slice(1)].map(
    (name) => constants[name],
  )
  const channels = weight?.dims[0] ?? 0
  const bias = conv.inputs[2] ? constants[conv.inputs[2]] : null
  const isReady =
    weight?.dtype === 'float32' &&
    statistics.length === 4 &&
    statistics.every((one) => one?.dtype === 'float32' && one.dims.join() === `${channels}`) &&
    (bias === null || bias?.dtype === 'float32')
  if (!isReady || channels === 0) return null
  const [scale, shift, mean, variance] = statistics.map((one) => floats(one!)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  const { epsilon } = norm.attrs
  const tiny = Math.fround(epsilon?.kind === 'float' ? epsilon.value : 1e-5)
  const before = bias && floats(bias)
  const factors = new Float32Array(channels)
  const after = new Float32Array(channels)
  const { fround } = Math
  for (let m = 0; m < channels; m++) {
    factors[m] = scale[m]! / fround(Math.sqrt(fround(variance[m]! + tiny)))
    const centred = before ? fround(before[m]! - mean[m]!) : -mean[m]!
    after[m] = fround(centred * factors[m]!) + shift[m]!
  }
  const scaled = tensorMadeOf(weight.dims, () => scaledBy(factors, ownFloats(weight)))
  return [scaled, tensorOfOwn([channels], after)]
}

/** Each of the first axis times its factor, in place. */
function scaledBy(factors: Float32Array, values: Float32Array): Float32Array {
  const size = values.length / factors.length
  for (let m = 0; m < factors.length; m++) {
    const factor = factors[m]!
    const end = (m + 1) * size
    for (let k = m * size; k < end; k++) values[k]! *= factor
  }
  return values
}
