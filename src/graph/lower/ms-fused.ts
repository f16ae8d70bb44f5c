import { activate } from './activate.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/** What ONNX Runtime's graph optimiser fuses: a Conv, Gemm or MatMul with what follows or precedes it. */

const conv: Lowering = (view) => {
  const { g, x, node, attr } = view
  const { activation: _, activation_params: parameters, ...attrs } = node.attrs
  const operands = x.slice(0, x[2] ? 3 : 2)
  const y = g.emit('Conv', operands, attrs)
  const sum = x[3] ? g.emit('Add', [y, x[3]]) : y
  const list = parameters?.kind === 'floats' ? parameters.value : []
  return [attr('activation') ? activate(view, sum, view.string('activation', ''), list) : sum]
}

const gemm: Lowering = (view) => {
  const { g, x, node } = view
  const own = new Set(['alpha', 'beta', 'transA', 'transB'])
  const attrs = Object.fromEntries(Object.entries(node.attrs).filter(([name]) => own.has(name)))
  const y = g.emit('Gemm', x.slice(0, x[2] ? 3 : 2), attrs)
  const parameters = ['alpha', 'beta', 'gamma'].flatMap((name) => {
    const attr = node.attrs[`activation_${name}`]
    return attr?.kind === 'float' ? [attr.value] : []
  })
  return [activate(view, y, view.string('activation', ''), parameters)]
}

/**
 * α·A'·B'. `transA` swaps the last two axes; `transBatchA` moves the first axis behind the leading ones before
 * that, so that A (m, …L, k) is read as (…L, m, k).
 */
const matmul: Lowering = (view) => {
  const { g, x, info, float } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const operand = (index: number, letter: 'A' | 'B'): string => {
    const rank = view.shape(x[index]!).length
    const axes = Array.from({ length: rank }, (_, axis) => axis)
    const moved =
      view.int(`transBatch${letter}`, 0) === 1 ? [...axes.slice(1, -1), 0, axes.at(-1)!] : axes
    const swapped =
      view.int(`trans${letter}`, 0) === 1 && rank > 1
        ? [...moved.slice(0, -2), moved.at(-1)!, moved.at(-2)!]
        : moved
    return swapped.every((axis, k) => axis === k) ? x[index]! : ops.transpose(x[index]!, swapped)
  }
  return [ops.scale(ops.matmul(operand(0, 'A'), operand(1, 'B')), float('alpha', 1))]
}

export const msFused: LoweringTable = {
  'com.microsoft:FusedConv': conv,
  'com.microsoft:FusedGemm': gemm,
  'com.microsoft:FusedMatMul': matmul,
  // Its former name.
  'com.microsoft:TransposeMatMul': matmul,
}
