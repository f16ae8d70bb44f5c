import type { DType, Graph, Node, Value } from '../graph/ir.js'
import { isFloating } from '../graph/tensor.js'
import { dataTypeNames } from '../onnx/proto.js'

const quantizing = /quantize|^Q(Linear|Gemm|Attention)|Integer|NBits/i
const half: ReadonlySet<DType> = new Set(['float16', 'bfloat16'])
/** The same as a Cast calls them. */
const halfTypes = new Set([...half].map((dtype) => dataTypeNames.indexOf(dtype)))

/**
 * Some part of the network rounds to a few bits: integers or half precision. There the last bit of what comes in
 * can change what goes out by a whole step.
 */
export function hasReducedPrecision(graph: Graph): boolean {
  return (
    graph.nodes.some((node) => quantizing.test(node.op) || castsToHalf(node)) ||
    graph.inputs.some(({ dtype }) => half.has(dtype)) ||
    Object.values(graph.initializers).some(({ dtype }) => half.has(dtype))
  )
}

function castsToHalf({ op, attrs: { to } }: Node): boolean {
  return op === 'Cast' && to?.kind === 'int' && halfTypes.has(to.value)
}

/**
 * The attacked values are float32; they can be rounded to another floating-point type, or to bytes. No bfloat16: values
 * of that type cannot be looked at through ONNX Runtime's binding for Node.js, and it has hardly any kernels for them.
 */
export function isAttackable({ dtype }: Value, { opsets }: Graph): boolean {
  const isByte = dtype === 'uint8' || dtype === 'int8'
  return (isFloating(dtype) && dtype !== 'bfloat16') || (isByte && (opsets[''] ?? 0) >= 10)
}

/**
 * How far apart outputs for the same sample may lie, relative to the greatest, when other samples are computed with it.
 * Another number of rows may take another kernel, whose last bit moves a value that is rounded to a few bits by a step.
 * Where a network finds the range of its integers in the batch itself, samples do influence each other, by as little.
 */
export function roundingOf(graph: Graph): number {
  const isRangeComputed = graph.nodes.some(
    ({ op, inputs }) =>
      op.startsWith('DynamicQuantize') ||
      (op === 'QuantizeLinear' && graph.initializers[inputs[1] ?? ''] === undefined),
  )
  return hasReducedPrecision(graph) && !isRangeComputed ? 2e-2 : 1e-4
}
