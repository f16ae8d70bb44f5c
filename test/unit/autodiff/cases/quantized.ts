import type { DType } from '../../../../src/graph/ir.js'
import { float } from '../../../helpers/graphs.js'
import type { Sketch } from '../../../helpers/quantized.js'

/** An operator on integers and the float operator it stands for, each between QuantizeLinear and DequantizeLinear. */
export interface QuantizedCase {
  readonly op: string
  readonly label: string
  readonly inputs: Readonly<Record<string, readonly number[]>>
  readonly integers: (s: Sketch) => string
  readonly real: (s: Sketch) => string
  /** The output must reach the ends of its range. */
  readonly saturates?: boolean
}

/** Scale, zero point and type of a tensor. */
interface Grid {
  readonly scale: number
  readonly zero: number
  readonly dtype: DType
}
const grid = (scale: number, zero: number, dtype: DType = 'uint8'): Grid => ({
  scale,
  zero,
  dtype,
})
const of = (s: Sketch, { scale, zero, dtype }: Grid): [string, string] => [
  s.scalar(scale),
  s.scalar(zero, dtype),
]
const quantize = (s: Sketch, x: string, by: Grid): string =>
  s.emit('QuantizeLinear', [x, ...of(s, by)])
const dequantize = (s: Sketch, q: string, by: Grid): string =>
  s.emit('DequantizeLinear', [q, ...of(s, by)])
const fake = (s: Sketch, x: string, by: Grid): string => dequantize(s, quantize(s, x, by), by)
const triple = (s: Sketch, x: string, by: Grid): string[] => [quantize(s, x, by), ...of(s, by)]

const wide = grid(0.03, 120)
const signed = grid(0.04, 3, 'int8')
const narrow = grid(0.01, 128)

/** Weights in integers with one scale and zero point for each index of `axis`, or one for all. */
interface Weights {
  readonly integers: string
  readonly scale: string
  readonly zero: string
  readonly real: () => string
}
function weights(
  s: Sketch,
  dims: readonly number[],
  axis: number | null,
  dtype: DType = 'int8',
): Weights {
  const [low, high] = dtype === 'int8' ? [-90, 90] : [40, 220]
  const integers = s.integers(dtype, dims, low, high)
  const count = axis === null ? 1 : dims[axis]!
  const shape = axis === null ? [] : [count]
  const middle = dtype === 'int8' ? 0 : 128
  const each = (from: number, by: number): number[] =>
    Array.from({ length: count }, (_, k) => from + by * k)
  const scale = s.keep('float32', shape, ...each(0.004, 0.002))
  const zero = s.keep(dtype, shape, ...each(middle, dtype === 'int8' ? 0 : 3))
  const attrs = axis === null ? {} : { axis }
  const real = (): string => s.emit('DequantizeLinear', [integers, scale, zero], attrs)
  return { integers, scale, zero, real }
}

const convCase = (
  label: string,
  x: Grid,
  y: Grid,
  dims: readonly number[],
  axis: number | null,
  attrs: Readonly<Record<string, number | readonly number[]>>,
): QuantizedCase => ({
  op: 'QLinearConv',
  label,
  inputs: { x: [1, 4, 6, 5] },
  integers(s) {
    const w = weights(s, dims, axis)
    const bias = s.integers('int32', [dims[0]!], -300, 300)
    const inputs = [...triple(s, 'x', x), w.integers, w.scale, w.zero, ...of(s, y), bias]
    return dequantize(s, s.emit('QLinearConv', inputs, attrs), y)
  },
  real(s) {
    const w = weights(s, dims, axis)
    const integers = s.integers('int32', [dims[0]!], -300, 300)
    const by = s.emit('Mul', [w.scale, s.scalar(x.scale)])
    const bias = s.emit('Mul', [s.emit('Cast', [integers], { to: 1 }), by])
    return fake(s, s.emit('Conv', [fake(s, 'x', x), w.real(), bias], attrs), y)
  },
  saturates: true,
})

const gemmCase = (
  label: string,
  transB: number,
  axis: number | null,
  y: Grid | null,
  alpha = 1,
): QuantizedCase => {
  const dims = transB ? [3, 6] : [6, 3]
  const attrs = { transB, alpha: float(alpha) }
  return {
    op: 'com.microsoft:QGemm',
    label,
    inputs: { x: [4, 6] },
    integers(s) {
      const w = weights(s, dims, axis)
      const inputs = [...triple(s, 'x', wide), w.integers, w.scale, w.zero, '']
      const result = s.ms('QGemm', y ? [...inputs, ...of(s, y)] : inputs.slice(0, 6), attrs)
      return y ? dequantize(s, result, y) : result
    },
    real(s) {
      const product = s.emit('Gemm', [fake(s, 'x', wide), weights(s, dims, axis).real()], attrs)
      return y ? fake(s, product, y) : product
    },
  }
}

const binaryCase = (
  op: string,
  label: string,
  a: readonly number[],
  b: readonly number[] | null,
  y: Grid,
): QuantizedCase => ({
  op: `com.microsoft:QLinear${op}`,
  label,
  inputs: b ? { x: a, z: b } : { x: a },
  integers(s) {
    const other = b
      ? triple(s, 'z', signedAs(wide))
      : [s.integers('uint8', [1, 5], 20, 230), ...of(s, wide)]
    return dequantize(s, s.ms(`QLinear${op}`, [...triple(s, 'x', wide), ...other, ...of(s, y)]), y)
  },
  real(s) {
    const other = b
      ? fake(s, 'z', signedAs(wide))
      : dequantize(s, s.integers('uint8', [1, 5], 20, 230), wide)
    return fake(s, s.emit(op, [fake(s, 'x', wide), other]), y)
  },
  saturates: true,
})
/** Another scale of the same type: the operands of one node share their type. */
const signedAs = (by: Grid): Grid => ({ ...by, scale: 0.02, zero: 100 })

const unaryCase = (
  op: string,
  label: string,
  dims: readonly number[],
  y: Grid,
  attrs: Parameters<Sketch['emit']>[2] = {},
  real?: (s: Sketch, x: string) => string,
): QuantizedCase => ({
  op: `com.microsoft:QLinear${op}`,
  label,
  inputs: { x: dims },
  integers: (s) =>
    dequantize(s, s.ms(`QLinear${op}`, [...triple(s, 'x', wide), ...of(s, y)], attrs), y),
  real(s) {
    const x = fake(s, 'x', wide)
    return fake(s, real ? real(s, x) : s.emit(op, [x], attrs), y)
  },
})

const share = grid(1 / 256, 0)
const channelsFirst =
  (op: string, attrs: Parameters<Sketch['emit']>[2]) =>
  (s: Sketch, x: string): string => {
    const image = s.emit('Transpose', [x], { perm: [0, 3, 1, 2] })
    return s.emit('Transpose', [s.emit(op, [image], attrs)], { perm: [0, 2, 3, 1] })
  }

export const quantizedCases: readonly QuantizedCase[] = [
  convCase('one scale', wide, grid(0.0117, 128), [3, 4, 3, 3], null, { pads: [1, 1, 1, 1] }),
  convCase('a scale per channel, strides', wide, narrow, [3, 4, 3, 3], 0, {
    pads: [1, 0, 0, 1],
    strides: [2, 2],
  }),
  convCase('groups, signed', signed, grid(0.01, -5, 'int8'), [4, 2, 2, 2], 0, { group: 2 }),
  {
    op: 'QLinearMatMul',
    label: 'a weight with a scale per column',
    inputs: { x: [2, 3, 6] },
    integers(s) {
      const w = weights(s, [6, 4], 1)
      const inputs = [...triple(s, 'x', wide), w.integers, w.scale, w.zero, ...of(s, narrow)]
      return dequantize(s, s.emit('QLinearMatMul', inputs), narrow)
    },
    real: (s) =>
      fake(s, s.emit('MatMul', [fake(s, 'x', wide), weights(s, [6, 4], 1).real()]), narrow),
  },
  {
    op: 'QLinearMatMul',
    label: 'two computed operands',
    inputs: { x: [2, 3, 6], z: [2, 6, 4] },
    integers: (s) =>
      dequantize(
        s,
        s.emit('QLinearMatMul', [
          ...triple(s, 'x', wide),
          ...triple(s, 'z', wide),
          ...of(s, narrow),
        ]),
        narrow,
      ),
    real: (s) => fake(s, s.emit('MatMul', [fake(s, 'x', wide), fake(s, 'z', wide)]), narrow),
    saturates: true,
  },
  gemmCase('integers out', 0, null, narrow),
  gemmCase('integers out, turned, a scale per column', 1, 0, narrow, 0.5),
  gemmCase('real numbers out, a scale per column', 0, 1, null, 2),
  binaryCase('Add', 'two computed operands', [2, 4, 5], [4, 1], narrow),
  binaryCase('Add', 'a constant', [4, 5], null, narrow),
  binaryCase('Mul', 'two computed operands', [2, 4, 5], [4, 1], narrow),
  binaryCase('Mul', 'a constant', [4, 5], null, narrow),
  unaryCase('Sigmoid', 'between 0 and 1', [3, 7], share),
  unaryCase('LeakyRelu', 'its slope', [3, 7], wide, { alpha: float(0.2) }),
  unaryCase('Softmax', 'one axis', [3, 7], share, { axis: -1, opset: 13 }, (s, x) =>
    s.emit('Softmax', [x], { axis: -1 }),
  ),
  unaryCase(
    'Softmax',
    'opset 11 over all that follows',
    [2, 3, 4],
    share,
    { axis: 1, opset: 11 },
    (s, x) =>
      s.emit('Reshape', [
        s.emit('Softmax', [s.emit('Reshape', [x, s.keep('int64', [2], 2, 12)])], { axis: -1 }),
        s.keep('int64', [3], 2, 3, 4),
      ]),
  ),
  unaryCase('AveragePool', 'padding counted', [1, 3, 5, 6], wide, {
    kernel_shape: [2, 3],
    pads: [1, 1, 0, 1],
    count_include_pad: 1,
  }),
  unaryCase(
    'AveragePool',
    'channels last',
    [1, 5, 6, 3],
    wide,
    { kernel_shape: [2, 2], strides: [2, 2], channels_last: 1 },
    channelsFirst('AveragePool', { kernel_shape: [2, 2], strides: [2, 2] }),
  ),
  unaryCase('GlobalAveragePool', 'channels first', [1, 3, 4, 5], narrow),
  unaryCase(
    'GlobalAveragePool',
    'channels last',
    [1, 4, 5, 3],
    narrow,
    { channels_last: 1 },
    channelsFirst('GlobalAveragePool', {}),
  ),
  {
    op: 'com.microsoft:QLinearConcat',
    label: 'parts of their own scales',
    inputs: { x: [2, 3], z: [2, 4] },
    integers: (s) =>
      dequantize(
        s,
        s.ms(
          'QLinearConcat',
          [...of(s, narrow), ...triple(s, 'x', wide), ...triple(s, 'z', signedAs(wide))],
          { axis: 1 },
        ),
        narrow,
      ),
    real: (s) =>
      fake(
        s,
        s.emit('Concat', [fake(s, 'x', wide), fake(s, 'z', signedAs(wide))], { axis: 1 }),
        narrow,
      ),
    saturates: true,
  },
  {
    op: 'com.microsoft:QLinearWhere',
    label: 'parts of their own scales',
    inputs: { x: [2, 4], z: [2, 4] },
    integers: (s) =>
      dequantize(
        s,
        s.ms('QLinearWhere', [
          s.keep('bool', [4], 1, 0, 0, 1),
          ...triple(s, 'x', wide),
          ...triple(s, 'z', signedAs(wide)),
          ...of(s, narrow),
        ]),
        narrow,
      ),
    real: (s) =>
      fake(
        s,
        s.emit('Where', [
          s.keep('bool', [4], 1, 0, 0, 1),
          fake(s, 'x', wide),
          fake(s, 'z', signedAs(wide)),
        ]),
        narrow,
      ),
  },
  {
    op: 'ConvInteger',
    label: 'then scaled',
    inputs: { x: [1, 4, 6, 5] },
    integers(s) {
      const w = weights(s, [3, 4, 3, 3], null, 'uint8')
      const product = s.emit('ConvInteger', [
        quantize(s, 'x', wide),
        w.integers,
        s.scalar(wide.zero, 'uint8'),
        w.zero,
      ])
      const by = s.emit('Mul', [s.scalar(wide.scale), w.scale])
      return s.emit('Mul', [s.emit('Cast', [product], { to: 1 }), by])
    },
    real: (s) =>
      s.emit('Conv', [fake(s, 'x', wide), weights(s, [3, 4, 3, 3], null, 'uint8').real()]),
  },
  {
    op: 'MatMulInteger',
    label: 'a zero point per column, then scaled',
    inputs: { x: [2, 3, 6] },
    integers(s) {
      const w = weights(s, [6, 4], 1, 'uint8')
      const product = s.emit('MatMulInteger', [
        quantize(s, 'x', wide),
        w.integers,
        s.scalar(wide.zero, 'uint8'),
        w.zero,
      ])
      const by = s.emit('Mul', [s.scalar(wide.scale), w.scale])
      return s.emit('Mul', [s.emit('Cast', [product], { to: 1 }), by])
    },
    real: (s) => s.emit('MatMul', [fake(s, 'x', wide), weights(s, [6, 4], 1, 'uint8').real()]),
  },
  {
    op: 'com.microsoft:MatMulIntegerToFloat',
    label: 'a scale per column and a bias',
    inputs: { x: [2, 3, 6] },
    integers(s) {
      const w = weights(s, [6, 4], 1, 'uint8')
      const [x, scale, zero] = triple(s, 'x', wide) as [string, string, string]
      const bias = s.keep('float32', [4], 1, 2, 3, 4)
      return s.ms('MatMulIntegerToFloat', [x, w.integers, scale, w.scale, zero, w.zero, bias])
    },
    real: (s) =>
      s.emit('Add', [
        s.emit('MatMul', [fake(s, 'x', wide), weights(s, [6, 4], 1, 'uint8').real()]),
        s.keep('float32', [4], 1, 2, 3, 4),
      ]),
  },
  {
    op: 'com.microsoft:DynamicQuantizeMatMul',
    label: 'a scale per column and a bias',
    inputs: { x: [2, 3, 6] },
    integers(s) {
      const w = weights(s, [6, 4], 1, 'uint8')
      const bias = s.keep('float32', [4], 1, 2, 3, 4)
      return s.ms('DynamicQuantizeMatMul', ['x', w.integers, w.scale, w.zero, bias])
    },
    real: (s) =>
      s.emit('Add', [
        s.emit('MatMul', ['x', weights(s, [6, 4], 1, 'uint8').real()]),
        s.keep('float32', [4], 1, 2, 3, 4),
      ]),
  },
  {
    op: 'com.microsoft:QAttention',
    label: 'two heads',
    inputs: { x: [1, 3, 8] },
    integers(s) {
      // Of bytes: products with int8 weights saturate on processors without VNNI.
      const w = weights(s, [8, 24], null, 'uint8')
      const [x, scale, zero] = triple(s, 'x', wide) as [string, string, string]
      const bias = s.keep('float32', [24], ...Array.from({ length: 24 }, (_, k) => k / 24))
      return s.ms('QAttention', [x, w.integers, bias, scale, w.scale, '', zero, w.zero], {
        num_heads: 2,
      })
    },
    real(s) {
      const w = weights(s, [8, 24], null, 'uint8')
      const bias = s.keep('float32', [24], ...Array.from({ length: 24 }, (_, k) => k / 24))
      return s.ms('Attention', [fake(s, 'x', wide), w.real(), bias], { num_heads: 2 })
    },
  },
  {
    op: 'com.microsoft:DynamicQuantizeLSTM',
    label: 'weights of one scale',
    inputs: { x: [4, 1, 3] },
    integers(s) {
      const [w, r] = [
        s.integers('uint8', [1, 3, 8], 60, 200),
        s.integers('uint8', [1, 2, 8], 60, 200),
      ]
      const scale = s.keep('float32', [1], 0.01)
      const zero = s.keep('uint8', [1], 128)
      const operands = ['x', w, r, '', '', '', '', '', scale, zero, scale, zero]
      return s.ms('DynamicQuantizeLSTM', operands, { hidden_size: 2 })
    },
    real(s) {
      const [w, r] = [
        s.integers('uint8', [1, 3, 8], 60, 200),
        s.integers('uint8', [1, 2, 8], 60, 200),
      ]
      const real = (integers: string): string =>
        s.emit('Transpose', [dequantize(s, integers, grid(0.01, 128))], { perm: [0, 2, 1] })
      return s.emit('LSTM', ['x', real(w), real(r)], { hidden_size: 2 })
    },
  },
  {
    op: 'MaxPool',
    label: 'on integers, and what moves them',
    inputs: { x: [1, 2, 4, 4] },
    integers(s) {
      const q = quantize(s, 'x', wide)
      const pooled = s.emit('MaxPool', [q], { kernel_shape: [2, 2], strides: [1, 1] })
      const turned = s.emit('Transpose', [pooled], { perm: [0, 2, 3, 1] })
      const twice = s.emit('Concat', [turned, turned], { axis: 3 })
      const some = s.emit('Slice', [twice, ...[1, 4, 3].map((k) => s.keep('int64', [1], k))])
      const low = s.emit('Max', [some, s.scalar(118, 'uint8')])
      return dequantize(s, s.emit('Flatten', [low]), wide)
    },
    real(s) {
      const pooled = s.emit('MaxPool', [fake(s, 'x', wide)], {
        kernel_shape: [2, 2],
        strides: [1, 1],
      })
      const turned = s.emit('Transpose', [pooled], { perm: [0, 2, 3, 1] })
      const twice = s.emit('Concat', [turned, turned], { axis: 3 })
      const some = s.emit('Slice', [twice, ...[1, 4, 3].map((k) => s.keep('int64', [1], k))])
      return s.emit('Flatten', [s.emit('Max', [some, s.scalar(-2 * wide.scale)])])
    },
  },
]
