import type { DType } from '../ir.js'
import { numbers, tensorOf } from '../tensor.js'
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

const small: readonly DType[] = ['int8', 'uint8', 'int16', 'uint16']

/** An operator on small integers that a rule would have to compute with: the same on real numbers. */
const onIntegers: Lowering = ({ g, x, y, info, node }) => {
  const { dtype } = info(x[0]!)
  if (!small.includes(dtype) || info(y[0]!).dtype !== dtype) return null
  const operands = x.map((value) => {
    if (value === '' || info(value).dtype !== dtype) return value
    const constant = g.initializer(value)
    return constant
      ? g.constant(tensorOf('float32', constant.dims, Array.from(numbers(constant))))
      : g.emit('CastLike', [value, g.scalar(0)])
  })
  const real = g.emit(node.op, operands, node.attrs)
  return [g.emit('CastLike', [real, g.scalar(0, dtype)])]
}

/** Operators whose real form is not what they compute: a gradient through it is an approximation. */
export const realForms: LoweringTable = { 'com.microsoft:QAttention': attention }

const onSmallIntegers = ['Clip', 'Max', 'Min', 'PRelu', 'ReduceMax', 'ReduceMin', 'Relu'] as const

/** What stands beside operators that stay as they are (`addForms`). */
export const exactLowerings: LoweringTable = {
  ...lowerings,
  ...realForms,
  ...Object.fromEntries(onSmallIntegers.map((op) => [op, onIntegers])),
}
