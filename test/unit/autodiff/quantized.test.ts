import { describe, expect, it } from 'vitest'
import { differentiate, noise, Sketch } from '../../helpers/quantized.js'
import { quantizedCases, type QuantizedCase } from './cases/quantized.js'

const pointOf = ({ inputs }: QuantizedCase): Parameters<typeof differentiate>[1] =>
  Object.fromEntries(Object.entries(inputs).map(([name, dims]) => [name, noise(dims, name, 1.5)]))

function run(one: QuantizedCase, build: QuantizedCase['real']): ReturnType<typeof differentiate> {
  const s = new Sketch()
  const output = build(s)
  return differentiate(s.graph(one.inputs, output), pointOf(one))
}

const size = (values: readonly number[]): number => Math.max(...values.map(Math.abs))

describe('an operator on integers has the gradient of its real form', () => {
  it.each(quantizedCases)('$op: $label', async (one) => {
    const [integers, real] = [await run(one, one.integers), await run(one, one.real)]
    for (const name of Object.keys(one.inputs)) {
      const [a, b] = [integers.gradients[name]!, real.gradients[name]!]
      expect(size(a)).toBeGreaterThan(1e-3)
      expect(size(a.map((value, k) => value - b[k]!)) / size(b)).toBeLessThan(1e-4)
    }
    const range = size(real.output)
    expect(size(integers.output.map((value, k) => value - real.output[k]!))).toBeLessThan(
      0.05 * range,
    )
    if (one.saturates) {
      const ends = [Math.min(...integers.output), Math.max(...integers.output)]
      const cut = integers.output.filter((value) => ends.includes(value)).length
      expect(cut).toBeGreaterThan(2)
      expect(cut).toBeLessThan(integers.output.length)
    }
  })
})

/** x → QuantizeLinear → DequantizeLinear, with these scales and zero points. */
function roundTrip(
  dims: readonly number[],
  values: readonly number[],
  build: (s: Sketch) => [scale: string, zero: string],
  attrs: Readonly<Record<string, number>> = {},
): ReturnType<typeof differentiate> {
  const s = new Sketch()
  const [scale, zero] = build(s)
  const q = s.emit('QuantizeLinear', ['x', scale, zero], attrs)
  const y = s.emit('DequantizeLinear', [q, scale, zero], attrs)
  const x = { dtype: 'float32' as const, dims, data: Float32Array.from(values) }
  return differentiate(s.graph({ x: dims }, y), { x })
}

/** 1 where the seed came through, 0 where nothing did. */
const mask = (gradient: readonly number[]): number[] =>
  gradient.map((value, k) => Number((value / (1 + k / 10)).toFixed(5)))

const perChannel = (s: Sketch): [string, string] => [
  s.keep('float32', [2], 0.01, 0.1),
  s.keep('int8', [2], 3, 0),
]

describe('QuantizeLinear', () => {
  // The masks are those of PyTorch's fake_quantize_per_tensor_affine and _per_channel_affine.
  it('passes what is not cut off, the ends of the range included', async () => {
    const x = [-1.06, -1.04, -1, 0, 24.5, 24.54, 24.56, 30]
    const { gradients, output, approximations } = await roundTrip([8], x, (s) => [
      s.scalar(0.1),
      s.scalar(10, 'uint8'),
    ])
    expect(mask(gradients['x']!)).toEqual([0, 1, 1, 1, 1, 1, 0, 0])
    expect(output[0]).toBeCloseTo(-1)
    expect(approximations).toEqual([
      'straight-through (clipped identity) at node/v0 (QuantizeLinear)',
    ])
  })

  it('has a scale of its own for each channel', async () => {
    const x = [-1.06, -1.04, -1, 0, 12.7, 12.8, -12.8, -12.9]
    const { gradients } = await roundTrip([2, 4], x, perChannel, { axis: 0 })
    expect(mask(gradients['x']!)).toEqual([1, 1, 1, 1, 1, 0, 1, 0])
    const turned = await roundTrip(
      [4, 2],
      [x[0]!, x[4]!, x[1]!, x[5]!, x[2]!, x[6]!, x[3]!, x[7]!],
      perChannel,
      {
        axis: -1,
      },
    )
    expect(mask(turned.gradients['x']!)).toEqual([1, 1, 1, 0, 1, 1, 1, 0])
  })

  it('has a scale of its own for each block', async () => {
    const { gradients, output } = await roundTrip(
      [2, 5],
      [1.26, 1.28, 12.6, 12.8, 1.28, 0.5, -1.3, -12.7, -13, -1.3],
      (s) => [
        s.keep('float32', [2, 3], 0.01, 0.1, 0.01, 0.01, 0.1, 0.01),
        s.keep('int8', [2, 3], 0, 0, 0, 0, 0, 0),
      ],
      { axis: 1, block_size: 2 },
    )
    expect(mask(gradients['x']!)).toEqual([1, 0, 1, 0, 0, 1, 0, 1, 0, 0])
    expect(output[2]).toBeCloseTo(12.6)
  })

  it('to 16 bits', async () => {
    const { gradients } = await roundTrip([4], [-3, 0, 3, 4], (s) => [
      s.scalar(1e-4),
      s.scalar(32768, 'uint16'),
    ])
    expect(mask(gradients['x']!)).toEqual([1, 1, 1, 0])
  })

  it('to 4 bits', async () => {
    const { gradients, output } = await roundTrip([5], [-8, -0.8, 0.1, 0.74, 0.76], (s) => [
      s.scalar(0.1),
      s.scalar(0, 'int4'),
    ])
    expect(mask(gradients['x']!)).toEqual([0, 1, 1, 1, 0])
    expect(output.map((value) => Number(value.toFixed(5)))).toEqual([-0.8, -0.8, 0.1, 0.7, 0.7])
  })

  it('with a scale that the network computes counts it as a constant', async () => {
    const { gradients } = await roundTrip([4], [-3, 0.5, 1, 2], (s) => [
      s.emit('Div', [s.emit('ReduceMax', [s.emit('Abs', ['x'])], { keepdims: 0 }), s.scalar(100)]),
      s.scalar(0, 'int8'),
    ])
    expect(mask(gradients['x']!)).toEqual([1, 1, 1, 1])
  })
})

describe('DynamicQuantizeLinear', () => {
  it('is the identity, its scale a constant', async () => {
    const s = new Sketch()
    const q = s.emitMany('DynamicQuantizeLinear', ['x'], 3)
    const y = s.emit('DequantizeLinear', q)
    const { gradients, approximations } = await differentiate(s.graph({ x: [6] }, y), {
      x: noise([6]),
    })
    expect(mask(gradients['x']!)).toEqual([1, 1, 1, 1, 1, 1])
    expect(approximations).toEqual([
      'straight-through (identity) at node/v0 (DynamicQuantizeLinear)',
    ])
  })
})

describe('DequantizeLinear of a constant', () => {
  it('is a constant, and no approximation', async () => {
    const s = new Sketch()
    const w = s.emit('DequantizeLinear', [
      s.integers('int8', [3, 2], -90, 90),
      s.scalar(0.02),
      s.scalar(0, 'int8'),
    ])
    const y = s.emit('MatMul', ['x', w])
    const { gradients, approximations } = await differentiate(s.graph({ x: [2, 3] }, y), {
      x: noise([2, 3]),
    })
    expect(approximations).toEqual([])
    expect(gradients['x']!.some((value) => Math.abs(value) > 0.1)).toBe(true)
  })
})

describe('MatMulNBits', () => {
  it.each([
    ['4 bits', 4, 0, false],
    ['4 bits, zero points', 4, 0, true],
    ['4 bits, A in integers', 4, 4, true],
    ['8 bits, zero points', 8, 0, true],
  ] as const)('%s', async (_, bits, level, withZeros) => {
    const [K, N, block] = [40, 3, 16]
    const blocks = Math.ceil(K / block)
    const s = new Sketch()
    const packed = s.integers('uint8', [N, blocks, (block * bits) / 8], 0, 255)
    const scales = s.keep(
      'float32',
      [N * blocks],
      ...Array.from({ length: N * blocks }, (_v, k) => 0.01 + 0.002 * k),
    )
    const zeros = withZeros
      ? [s.integers('uint8', [N * Math.ceil((blocks * bits) / 8)], 0, 255)]
      : []
    const y = s.ms('MatMulNBits', ['x', packed, scales, ...zeros], {
      K,
      N,
      bits,
      block_size: block,
      accuracy_level: level,
    })
    // Y of unit vectors is the weights, as the operator itself reads them.
    const unit = Float32Array.from({ length: K * K }, (_v, k) => (k % (K + 1) === 0 ? 1 : 0))
    const x = { dtype: 'float32' as const, dims: [K, K], data: unit }
    const { output, gradients, approximations } = await differentiate(s.graph({ x: [K, K] }, y), {
      x,
    })
    const expected = Array.from({ length: K * K }, (_v, at) => {
      const [i, k] = [Math.floor(at / K), at % K]
      return [0, 1, 2].reduce((sum, n) => sum + (1 + (i * N + n) / 10) * output[k * N + n]!, 0)
    })
    const size = Math.max(...expected.map(Math.abs))
    const tolerance = level === 4 ? 2e-2 : 1e-5
    for (const [k, value] of gradients['x']!.entries())
      expect(Math.abs(value - expected[k]!) / size).toBeLessThan(tolerance)
    expect(approximations).toHaveLength(level === 4 ? 1 : 0)
  })

  it('with weights in another order is refused', async () => {
    const s = new Sketch()
    const packed = s.integers('uint8', [2, 1, 8], 0, 255)
    const order = s.keep('int32', [16], ...Array.from({ length: 16 }, () => 0))
    const attrs = { K: 16, N: 2, bits: 4, block_size: 16 }
    const y = s.ms('MatMulNBits', ['x', packed, s.keep('float32', [2], 1, 1), '', order], attrs)
    await expect(differentiate(s.graph({ x: [1, 16] }, y), { x: noise([1, 16]) })).rejects.toThrow(
      /MatMulNBits can be differentiated only with constant weights in their usual order/,
    )
  })
})
