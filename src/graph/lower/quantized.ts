import type { DType } from '../ir.js'
import type { NodeView } from '../node-view.js'
import { operatorKey } from '../operator-key.js'
import { floats, tensorOfFloats } from '../tensor.js'
import { lowerings } from './index.js'
import type { Lowering, LoweringTable } from './lowering.js'

/**
 * com.microsoft QAttention: input, weight, bias, their two scales, mask, their two zero points, past. The same
 * Attention on real numbers.
 */
const attention: Lowering = ({ g, x, node }) => {
  const [input, weight, bias, scale, weightScale, mask = '', zero = '', weightZero = ''] = x as [
    string,
    string,
    string,
    string,
    string,
    ...string[],
  ]
  const real = (value: string, by: string, point: string, attrs = {}): string =>
    g.emit('DequantizeLinear', point ? [value, by, point] : [value, by], attrs)
  const operands = [
    real(input, scale, zero),
    real(weight, weightScale, weightZero, { axis: 1 }),
    bias,
    mask,
    x[8] ?? '',
  ]
  while (operands.at(-1) === '') operands.pop()
  return g.emitMany('Attention', operands, node.outputs.length, node.attrs, {
    domain: 'com.microsoft',
  })
}

/**
 * com.microsoft DynamicQuantizeLSTM: an LSTM with its weights in integers, W (directions, inputs, 4·hidden) and R
 * (directions, hidden, 4·hidden), transposed against those of LSTM. Scales and zero points differ by direction, or by
 * direction and column.
 */
const lstm: Lowering = ({ g, x, y, node, shape }) => {
  const real = (integers: string, scale: string, zero: string | undefined): string => {
    const wide = (value: string): string =>
      g.emit('Unsqueeze', [value, g.ints(shape(value).length === 1 ? [1, 2] : [1])])
    const float = (value: string): string => g.emit('CastLike', [value, g.scalar(0)])
    const centred = zero ? g.emit('Sub', [float(integers), float(wide(zero))]) : float(integers)
    return g.emit('Transpose', [g.emit('Mul', [centred, wide(scale)])], { perm: [0, 2, 1] })
  }
  const operands = [x[0]!, real(x[1]!, x[8]!, x[9]), real(x[2]!, x[10]!, x[11]), ...x.slice(3, 8)]
  while (operands.at(-1) === '') operands.pop()
  return g.emitMany('LSTM', operands, y.length, node.attrs)
}

/**
 * The node on float32 numbers instead of those of some types: every value of such a type is converted on its way in,
 * and back on its way out.
 */
function onReals({ g, x, y, info, node }: NodeView, types: ReadonlySet<DType>): readonly string[] {
  const operands = x.map((value) => {
    if (value === '' || !types.has(info(value).dtype)) return value
    const constant = g.initializer(value)
    return constant
      ? g.constant(tensorOfFloats(constant.dims, floats(constant)), `${value}_real`)
      : g.emit('CastLike', [value, g.scalar(0)])
  })
  const reals = g.emitMany(node.op, operands, y.length, node.attrs, { domain: node.domain })
  return y.map((output, k) => {
    if (output === '') return ''
    const { dtype } = info(output)
    return types.has(dtype) ? g.emit('CastLike', [reals[k]!, g.scalar(0, dtype)]) : reals[k]!
  })
}

const smallIntegers = new Set<DType>(['int8', 'uint8', 'int16', 'uint16'])
const halfPrecision = new Set<DType>(['float16', 'bfloat16'])

/** Operators whose real form is not what they compute: a gradient through it is an approximation. */
export const realForms: LoweringTable = {
  'com.microsoft:DynamicQuantizeLSTM': lstm,
  'com.microsoft:QAttention': attention,
}

const composites: LoweringTable = { ...lowerings, ...realForms }
/** Their rules compute with the values of their inputs, for which integers will not do. */
const computing = new Set(['Clip', 'Max', 'Min', 'PRelu', 'ReduceMax', 'ReduceMin', 'Relu'])
/** Their rules never look at a value, and the gradient of a half-precision value is float32 anyway. */
const moving = new Set([
  'Cast',
  'CastLike',
  'Concat',
  'Flatten',
  'Gather',
  'Identity',
  'Reshape',
  'Shape',
  'Slice',
  'Split',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
])

/**
 * What is differentiated in the place of a node of a network of reduced precision (`addForms`): of a composite operator
 * its simpler form, of one in half precision or on small integers the same in float32, where no small gradient is
 * rounded to zero.
 */
export const formOf: Lowering = (view) => {
  const { x, y, info, node } = view
  const composite = composites[operatorKey(node)]?.(view)
  if (composite) return composite
  const isOf = (types: ReadonlySet<DType>, value: string): boolean =>
    value !== '' && types.has(info(value).dtype)
  if (!moving.has(node.op) && x.some((value) => isOf(halfPrecision, value)))
    return onReals(view, halfPrecision)
  if (computing.has(node.op) && isOf(smallIntegers, x[0]!) && isOf(smallIntegers, y[0]!))
    return onReals(view, smallIntegers)
  return null
}
