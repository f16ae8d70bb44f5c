import type { Node } from '../../graph/ir.js'
import { isFixed, reshapeTarget, type Shape } from '../../graph/shapes.js'
import { elementCount } from '../../graph/tensor.js'
import { positiveAxis } from '../emit.js'
import { dynamic } from '../place.js'
import { throughReal, type Operand } from '../real-form.js'
import {
  gradient,
  straightThrough,
  type Gradients,
  type RuleContext,
  type RuleTable,
} from '../rule.js'
import { matMulNBits } from './quantized-bits.js'
import { dequantize, quantize, quantizeDynamically } from './quantize-linear.js'
import {
  convInteger,
  dynamicQuantizeMatMul,
  lastAxis,
  matMulInteger,
  matMulIntegerToFloat,
} from './quantized-products.js'

/**
 * Quantized networks. Rounding is passed straight through (BPDA, Athalye et al. 2018, arXiv:1802.00420) and what is
 * saturated gets nothing, as in PyTorch's fake_quantize. An operator on integers is differentiated in its real form:
 * its inputs dequantized, the operator, and at the places where the integers left their range, zero.
 */

const plain = (value: number): Operand => ({ value, scale: value + 1, zero: value + 2 })

/** x, s, z, w, s, z, s, z, bias → y. The bias adds a constant, which the gradient does not see. */
function qLinearConv(context: RuleContext): Gradients {
  const { node, y } = context
  const operands = [plain(0), { ...plain(3), axis: 0 }]
  return throughReal(context, operands, { scale: 6, zero: 7, isCostly: true }, (form) =>
    form.emit('Conv', operands.map(form.real), context.shape(y[0]!), node.attrs),
  )
}

function qLinearMatMul(context: RuleContext): Gradients {
  const operands = [plain(0), { ...plain(3), axis: lastAxis(context, 3) }]
  return throughReal(context, operands, { scale: 6, zero: 7, isCostly: true }, (form) =>
    form.emit('MatMul', operands.map(form.real), context.shape(context.y[0]!)),
  )
}

/** A, s, z, B, s, z, C, s, z → y; without the last two the result is float32. */
function qGemm(context: RuleContext): Gradients {
  const { x, y, node } = context
  const { alpha, transA, transB } = node.attrs
  const attrs = Object.fromEntries(
    Object.entries({ alpha, transA, transB }).filter(([, attr]) => attr !== undefined),
  ) as Node['attrs']
  const operands = [plain(0), { ...plain(3), axis: context.int('transB', 0) === 1 ? 0 : 1 }]
  return throughReal(
    context,
    operands,
    x[7] ? { scale: 7, zero: 8, isCostly: true } : null,
    (form) => form.emit('Gemm', operands.map(form.real), context.shape(y[0]!), attrs),
  )
}

/** a, s, z, b, s, z, s, z. */
const qLinearBinary =
  (op: string) =>
  (context: RuleContext): Gradients => {
    const operands = [plain(0), plain(3)]
    return throughReal(context, operands, { scale: 6, zero: 7 }, (form) =>
      form.emit(op, operands.map(form.real), context.shape(context.y[0]!)),
    )
  }

/** x, s, z, s, z: the same operator on real numbers, with the same attributes but for those named. */
const qLinearUnary =
  (op: string, without: readonly string[] = [], imageAxis = false) =>
  (context: RuleContext): Gradients => {
    const { node, y } = context
    if (imageAxis && context.int('channels_last', 0) === 1)
      return channelsLast(context, op, without)
    const attrs = Object.fromEntries(
      Object.entries(node.attrs).filter(([name]) => !without.includes(name)),
    )
    const operand = plain(0)
    return throughReal(context, [operand], { scale: 3, zero: 4 }, (form) =>
      form.emit(op, [form.real(operand)], context.shape(y[0]!), attrs),
    )
  }

const moved = (shape: Shape, perm: readonly number[]): Shape => perm.map((axis) => shape[axis]!)

/** The same for a pool over (N, H, W, C). */
function channelsLast(context: RuleContext, op: string, without: readonly string[]): Gradients {
  const { node, y, x } = context
  const attrs = Object.fromEntries(
    Object.entries(node.attrs).filter(([name]) => !without.includes(name)),
  )
  const perm = { kind: 'ints', value: [0, 3, 1, 2] } as const
  const back = { kind: 'ints', value: [0, 2, 3, 1] } as const
  const operand = plain(0)
  return throughReal(context, [operand], { scale: 3, zero: 4 }, (form) => {
    const first = moved(context.shape(x[0]!), perm.value)
    const image = form.emit('Transpose', [form.real(operand)], first, { perm })
    const pooled = form.emit(op, [image], moved(context.shape(y[0]!), perm.value), attrs)
    return form.emit('Transpose', [pooled], context.shape(y[0]!), { perm: back })
  })
}

/** s, z, then x, s, z of each part. */
function qLinearConcat(context: RuleContext): Gradients {
  const { x, y, node } = context
  const operands = Array.from({ length: Math.ceil((x.length - 2) / 3) }, (_, k) => plain(2 + 3 * k))
  return throughReal(context, operands, { scale: 0, zero: 1 }, (form) =>
    form.emit('Concat', operands.map(form.real), context.shape(y[0]!), node.attrs),
  )
}

/** condition, x, s, z, y, s, z, s, z. */
function qLinearWhere(context: RuleContext): Gradients {
  const operands = [plain(1), plain(4)]
  return throughReal(context, operands, { scale: 7, zero: 8 }, (form) =>
    form.emit('Where', [context.x[0]!, ...operands.map(form.real)], context.shape(context.y[0]!)),
  )
}

/** Before opset 13 over all axes from `axis` on at once. */
function qLinearSoftmax(context: RuleContext): Gradients {
  const { x, y } = context
  const shape = context.shape(x[0]!)
  const axis = positiveAxis(context.int('axis', -1), shape.length)
  const rest = shape.slice(axis)
  const along = { axis: { kind: 'int', value: axis } } as const
  const isFlat = context.int('opset', 13) < 13 && rest.length > 1
  const operand = plain(0)
  return throughReal(context, [operand], { scale: 3, zero: 4 }, (form) => {
    const real = form.real(operand)
    if (!isFlat) return form.emit('Softmax', [real], shape, along)
    if (!rest.every(isFixed)) throw dynamic(context)
    const flat = [...shape.slice(0, axis), elementCount(rest)]
    const rows = form.emit('Reshape', [real, targetOf(context, flat)], flat)
    const share = form.emit('Softmax', [rows], flat, along)
    return form.emit('Reshape', [share, targetOf(context, shape)], context.shape(y[0]!))
  })
}

function targetOf(context: RuleContext, shape: Shape): string {
  const target = reshapeTarget(shape)
  if (!target) throw dynamic(context)
  return context.g.ints(target)
}

const realForm = 'real form'
const ms = (op: string): string => `com.microsoft:${op}`
const clipped = straightThrough('clipped identity', quantize)
const pool = ['channels_last'] as const

export const quantizedRules: RuleTable = {
  QuantizeLinear: clipped,
  [ms('QuantizeLinear')]: clipped,
  DequantizeLinear: gradient(dequantize),
  [ms('DequantizeLinear')]: gradient(dequantize),
  DynamicQuantizeLinear: straightThrough('identity', quantizeDynamically),
  QLinearConv: straightThrough(realForm, qLinearConv),
  QLinearMatMul: straightThrough(realForm, qLinearMatMul),
  ConvInteger: gradient(convInteger),
  MatMulInteger: gradient(matMulInteger),
  [ms('MatMulIntegerToFloat')]: gradient(matMulIntegerToFloat),
  [ms('DynamicQuantizeMatMul')]: straightThrough('identity', dynamicQuantizeMatMul),
  [ms('QGemm')]: straightThrough(realForm, qGemm),
  [ms('QLinearAdd')]: straightThrough(realForm, qLinearBinary('Add')),
  [ms('QLinearMul')]: straightThrough(realForm, qLinearBinary('Mul')),
  [ms('QLinearSigmoid')]: straightThrough(realForm, qLinearUnary('Sigmoid')),
  [ms('QLinearLeakyRelu')]: straightThrough(realForm, qLinearUnary('LeakyRelu')),
  [ms('QLinearSoftmax')]: straightThrough(realForm, qLinearSoftmax),
  [ms('QLinearAveragePool')]: straightThrough(realForm, qLinearUnary('AveragePool', pool, true)),
  [ms('QLinearGlobalAveragePool')]: straightThrough(
    realForm,
    qLinearUnary('GlobalAveragePool', pool, true),
  ),
  [ms('QLinearWhere')]: straightThrough(realForm, qLinearWhere),
  [ms('MatMulNBits')]: matMulNBits,
  [ms('QLinearConcat')]: straightThrough(realForm, qLinearConcat),
}
