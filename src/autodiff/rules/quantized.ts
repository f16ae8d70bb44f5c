import { float } from '../../graph/builder.js'
import type { DType, Node, Tensor } from '../../graph/ir.js'
import type { Shape } from '../../graph/shapes.js'
import { cast, positiveAxis } from '../emit.js'
import { realConstant } from '../real-constant.js'
import {
  gradient,
  straightThrough,
  type Gradients,
  type RuleContext,
  type RuleTable,
} from '../rule.js'

/**
 * Quantized networks. Rounding is passed straight through (BPDA, Athalye et al. 2018, arXiv:1802.00420) and what is
 * saturated gets nothing, as in PyTorch's fake_quantize. An operator on integers is differentiated in its real form:
 * its inputs dequantized, the operator, and at the places where the integers left their range, zero.
 */

const ranges: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
}

/** Scale or zero point of one axis, as something that broadcasts against a value of `shape`. */
function along(context: RuleContext, value: string, shape: Shape): string {
  const { g } = context
  const own = g.info(value).shape
  if (own.length !== 1 || shape.length === 0) return value
  const axis = positiveAxis(context.int('axis', 1), shape.length)
  const target = shape.map((_, k) => (k === axis ? -1 : 1))
  return g.emit('Reshape', [value, g.ints(target)])
}

/**
 * y = saturate(round(x / s) + z): dX = dY / s where nothing was cut off. Whether it was is read from x, so that a
 * value at the end of the range keeps its gradient.
 */
function quantize(context: RuleContext): Gradients {
  const { g, x, y, dy } = context
  const { shape, dtype } = g.info(x[0]!)
  const [low, high] = ranges[g.info(y[0]!).dtype] ?? [-Infinity, Infinity]
  const scale = along(context, x[1]!, shape)
  const rounded = g.emit('Round', [g.emit('Div', [x[0]!, scale])])
  const shifted = x[2]
    ? g.emit('Add', [rounded, cast(context, along(context, x[2], shape), dtype)])
    : rounded
  const bounded = g.emit('Clip', [shifted, g.scalar(low, dtype), g.scalar(high, dtype)])
  const inside = cast(context, g.emit('Equal', [bounded, shifted]), dtype)
  return [g.emit('Mul', [g.emit('Div', [dy[0]!, scale]), inside])]
}

/** x = (y − z)·s: dY = dX·s. */
function dequantize(context: RuleContext): Gradients {
  const { g, x, dy } = context
  return [g.emit('Mul', [dy[0]!, along(context, x[1]!, g.info(x[0]!).shape)])]
}

/** The scale that a batch chose for itself counts as a constant. It covers all values, so none is saturated. */
function quantizeDynamically({ g, y, dy }: RuleContext): Gradients {
  return [dy[0] ? g.emit('Div', [dy[0], y[1]!]) : null]
}

/** A quantized operand: where it stands among the inputs. */
interface Operand {
  readonly value: number
  readonly scale: number
  readonly zero: number
  /** Axis of scales that differ by channel. */
  readonly axis?: number
}

/** What a real form is written with: nodes whose shapes are known. */
interface Form {
  real(operand: Operand): string
  emit(op: string, inputs: readonly string[], shape: Shape, attrs?: Node['attrs']): string
}

/**
 * The gradients of an operator on integers. `output` says where its own scale and zero point stand; without it the
 * result is real, and nothing is cut off.
 */
function throughReal(
  context: RuleContext,
  operands: readonly Operand[],
  output: { readonly scale: number; readonly zero: number } | null,
  build: (form: Form) => string,
): Gradients {
  const { g, x, y, dy, wants } = context
  const mark = g.mark()
  const known = (name: string, shape: Shape): string => g.know(name, { dtype: 'float32', shape })
  const reals = new Map<number, string>()
  const form: Form = {
    real({ value, scale, zero, axis }) {
      const operand = x[value]!
      const constant = constantOf(context, value, scale, zero, axis ?? 0)
      if (constant) return g.constant(constant, `${operand}_real`)
      const zeroPoint = x[zero] ? [x[zero]] : []
      const inputs = [operand, x[scale]!, ...zeroPoint]
      const name = g.emit('DequantizeLinear', inputs, axis === undefined ? {} : { axis })
      reals.set(value, name)
      return known(name, g.info(operand).shape)
    },
    emit: (op, inputs, shape, attrs = {}) => known(g.emit(op, inputs, attrs), shape),
  }
  const real = build(form)
  const wanted = operands.filter(({ value }) => wants[value])
  const seed = output ? unsaturated(context, y[0]!, dy[0]!, x[output.scale]!) : dy[0]!
  const gradients = context.through(
    mark,
    new Map([[real, seed]]),
    wanted.map(({ value }) => reals.get(value)!),
  )
  const result: (string | null)[] = x.map(() => null)
  // From the real value back to its integer.
  for (const { value, scale } of wanted)
    result[value] = g.emit('Mul', [gradients.get(reals.get(value)!)!, x[scale]!])
  return result
}

/** The real value of an operand that is constant, as a weight nearly always is: products with those are faster. */
function constantOf(
  { g, x, wants }: RuleContext,
  value: number,
  scale: number | null,
  zero: number,
  axis: number,
): Tensor | null {
  const tensorAt = (index: number): Tensor | null => g.initializer(x[index] ?? '') ?? null
  const integers = tensorAt(value)
  const scales = scale === null ? null : tensorAt(scale)
  if (!integers || wants[value] || (scale !== null && !scales)) return null
  if (x[zero] && !tensorAt(zero)) return null
  return realConstant(integers, scales, tensorAt(zero), axis)
}

/** dY / s, and zero at the ends of the range: there the value was cut off, or clipped by a fused Relu. */
function unsaturated(context: RuleContext, y: string, dY: string, scale: string): string {
  const { g } = context
  const [low, high] = ranges[g.info(y).dtype] ?? [-Infinity, Infinity]
  const integers = cast(context, y, 'float32')
  const above = g.emit('HardSigmoid', [integers], { alpha: float(1), beta: float(-low) })
  const below = g.emit('HardSigmoid', [integers], { alpha: float(-1), beta: float(high) })
  const inside = g.emit('Mul', [above, below])
  return g.emit('Mul', [g.emit('Div', [dY, scale]), inside])
}

const plain = (value: number): Operand => ({ value, scale: value + 1, zero: value + 2 })

/** x, s, z, w, s, z, s, z, bias → y. */
function qLinearConv(context: RuleContext): Gradients {
  const { node, y } = context
  const operand = plain(0)
  return throughReal(context, [operand], { scale: 6, zero: 7 }, (form) => {
    const weight = form.real({ ...plain(3), axis: 0 })
    // The bias adds a constant, which no gradient sees.
    return form.emit('Conv', [form.real(operand), weight], context.shape(y[0]!), node.attrs)
  })
}

function qLinearMatMul(context: RuleContext): Gradients {
  const operands = [plain(0), plain(3)]
  return throughReal(context, operands, { scale: 6, zero: 7 }, (form) =>
    form.emit(
      'MatMul',
      [form.real(operands[0]!), form.real({ ...operands[1]!, axis: lastAxis(context, 3) })],
      context.shape(context.y[0]!),
    ),
  )
}

const lastAxis = (context: RuleContext, index: number): number =>
  context.shape(context.x[index]!).length - 1

/** A, s, z, B, s, z, C, s, z → y; without the last two the result is float32. */
function qGemm(context: RuleContext): Gradients {
  const { x, y, node } = context
  const { alpha, transA, transB } = node.attrs
  const attrs = Object.fromEntries(
    Object.entries({ alpha, transA, transB }).filter(([, attr]) => attr !== undefined),
  ) as Node['attrs']
  const turned = context.int('transB', 0) === 1
  const operand = plain(0)
  return throughReal(context, [operand], x[7] ? { scale: 7, zero: 8 } : null, (form) =>
    form.emit(
      'Gemm',
      [form.real(operand), form.real({ ...plain(3), axis: turned ? 0 : 1 })],
      context.shape(y[0]!),
      attrs,
    ),
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
  const operands = Array.from({ length: (x.length - 2) / 3 }, (_, k) => plain(2 + 3 * k))
  return throughReal(context, operands, { scale: 0, zero: 1 }, (form) =>
    form.emit('Concat', operands.map(form.real), context.shape(y[0]!), node.attrs),
  )
}

/** An integer less its zero point, as a real number: the integers themselves are the unit. */
function centred(context: RuleContext, index: number, zero: number, axis: number | null): string {
  const { g, x } = context
  const { shape } = g.info(x[index]!)
  const constant = constantOf(context, index, null, zero, axis ?? 0)
  if (constant) return g.constant(constant, `${x[index]}_real`)
  const value = g.know(cast(context, x[index]!, 'float32'), { dtype: 'float32', shape })
  if (!x[zero]) return value
  const point = cast(context, x[zero], 'float32')
  const own = g.info(x[zero]).shape
  const isPerChannel = own.length === 1 && own[0] !== 1 && axis !== null
  const fitted = isPerChannel
    ? g.emit('Reshape', [point, g.ints(shape.map((_, k) => (k === axis ? -1 : 1)))])
    : point
  return g.know(g.emit('Sub', [value, fitted]), { dtype: 'float32', shape })
}

/** (A − z)·(B − z) in integers; their gradients in the same unit. */
function integerProduct(
  context: RuleContext,
  op: 'MatMul' | 'Conv',
  weightAxis: number,
  attrs: Node['attrs'],
  scales: { readonly seed?: string; readonly index?: readonly [number, number] } = {},
): Gradients {
  const { g, x, y, dy, wants } = context
  const [aZero, bZero] = scales.index ?? [2, 3]
  const a = centred(context, 0, aZero, null)
  const b = centred(context, 1, bZero, weightAxis)
  const mark = g.mark()
  const product = g.emit(op, [a, b], attrs)
  g.know(product, { dtype: 'float32', shape: context.shape(y[0]!) })
  const wrt = [a, b].filter((_, k) => wants[k])
  const found = context.through(mark, new Map([[product, scales.seed ?? dy[0]!]]), wrt)
  return x.map((_, k) => (wants[k] && k < 2 ? found.get(k === 0 ? a : b)! : null))
}

const matMulInteger = (context: RuleContext): Gradients =>
  integerProduct(context, 'MatMul', lastAxis(context, 1), {})

const convInteger = (context: RuleContext): Gradients =>
  integerProduct(context, 'Conv', 0, context.node.attrs)

/** A, B, s, s, z, z, bias: (A − z)·(B − z)·s·s + bias. */
function matMulIntegerToFloat(context: RuleContext): Gradients {
  const { g, x, dy } = context
  const seed = g.emit('Mul', [dy[0]!, g.emit('Mul', [x[2]!, x[3]!])])
  return integerProduct(context, 'MatMul', lastAxis(context, 1), {}, { seed, index: [4, 5] })
}

/** A real, B, s, z, bias: A is quantized on its way in. dA = dY·((B − z)·s)ᵀ. */
function dynamicQuantizeMatMul(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  if (!wants[0]) return [null]
  const { shape } = g.info(x[1]!)
  const weight = g.emit('Mul', [centred(context, 1, 3, lastAxis(context, 1)), x[2]!])
  const perm = shape.map((_, axis) => axis)
  perm.push(...perm.splice(-2).toReversed())
  return [g.emit('MatMul', [dy[0]!, g.emit('Transpose', [weight], { perm })])]
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
  [ms('QLinearSoftmax')]: straightThrough(realForm, qLinearUnary('Softmax', ['opset'])),
  [ms('QLinearAveragePool')]: straightThrough(realForm, qLinearUnary('AveragePool', pool, true)),
  [ms('QLinearGlobalAveragePool')]: straightThrough(
    realForm,
    qLinearUnary('GlobalAveragePool', pool, true),
  ),
  [ms('QLinearConcat')]: straightThrough(realForm, qLinearConcat),
}
