import type { DType, Graph } from '../graph/ir.js'

const quantizing = /Quantize|QLinear|QGemm|QAttention|Integer|NBits/
const half: ReadonlySet<DType> = new Set(['float16', 'bfloat16'])

/**
 * Some part of the network rounds to a few bits: integers or half precision. There the last bit of what comes in
 * can change what goes out by a whole step.
 */
export function hasReducedPrecision(graph: Graph): boolean {
  return (
    graph.nodes.some(({ op }) => quantizing.test(op)) ||
    graph.inputs.some(({ dtype }) => half.has(dtype)) ||
    Object.values(graph.initializers).some(({ dtype }) => half.has(dtype))
  )
}
