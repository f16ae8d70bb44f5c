import { describe, expect, it } from 'vitest'
import { dtypes, type Tensor } from '../../../src/graph/ir.js'
import {
  brainToNumber,
  bytesFor,
  floats,
  halfToNumber,
  ints,
  numbers,
  numberToHalf,
  scalar,
  tensorOf,
  tensorOfBools,
  tensorOfFloats,
  tensorOfInts,
  withDims,
} from '../../../src/graph/tensor.js'

const shifted = (tensor: Tensor): Tensor => {
  const data = new Uint8Array(tensor.data.byteLength + 1)
  data.set(tensor.data, 1)
  return { ...tensor, data: data.subarray(1) }
}

describe.each(dtypes.filter((dtype) => dtype !== 'string'))('%s', (dtype) => {
  it('comes back as it was given, aligned or not', () => {
    const last = { bool: 1, int4: -8, uint4: 15 }[dtype as string]
    const values = [1, 0, last ?? (dtype.startsWith('uint') ? 100 : -100)]
    const tensor = tensorOf(dtype, [3], values)
    expect(tensor.data.byteLength).toBe(bytesFor(dtype, 3))
    for (const given of [tensor, shifted(tensor)]) {
      expect(Array.from(numbers(given))).toEqual(values)
      expect(Array.from(floats(given))).toEqual(values)
    }
  })
})

describe('int4', () => {
  it('has two elements in a byte, the lower half first', () => {
    expect(Array.from(tensorOf('int4', [3], [1, -2, 7]).data)).toEqual([0xe1, 0x07])
    expect(Array.from(tensorOf('uint4', [2], [1, 14]).data)).toEqual([0xe1])
  })
})

describe('float16', () => {
  it('reads and writes every number it can hold', () => {
    const wrong = Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => {
      const value = halfToNumber(bits)
      return Number.isNaN(value) ? numberToHalf(value) !== 0x7e00 : numberToHalf(value) !== bits
    })
    expect(wrong).toEqual([])
  })

  it.each([
    // Known bit patterns, IEEE 754 binary16.
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [0.1, 0x2e66],
    [2 - 2 ** -12, 0x4000],
    [-0, 0x8000],
  ])('rounds %d to 0x%s', (value, bits) => {
    expect(numberToHalf(value)).toBe(bits)
  })
})

describe('bfloat16', () => {
  it.each([
    [1 + 2 ** -8, 1],
    [1 + 3 * 2 ** -8, 1 + 2 ** -6],
    [3.4e38, Infinity],
    [-1.5, -1.5],
  ])('rounds %d to %d', (value, expected) => {
    expect(scalar(tensorOf('bfloat16', [], [value]))).toBe(expected)
  })

  it('reads the upper half of a float32', () => {
    expect(brainToNumber(0xc049)).toBeCloseTo(-3.14, 2)
  })
})

describe('tensors', () => {
  it('views aligned float32 without a copy', () => {
    const tensor = tensorOfFloats([2], [1, 2])
    expect(floats(tensor).buffer).toBe(tensor.data.buffer)
  })

  it('saturates int64, so that INT64_MAX survives as a double', () => {
    const tensor = tensorOfInts([2], [2 ** 63, -(2 ** 63)])
    expect(Array.from(new BigInt64Array(tensor.data.slice().buffer))).toEqual([
      2n ** 63n - 1n,
      -(2n ** 63n),
    ])
    expect(ints(tensor)).toEqual([2 ** 63, -(2 ** 63)])
  })

  it('refuses what does not fit', () => {
    expect(() => tensorOfFloats([3], [1, 2])).toThrow(/8 bytes.*12/)
    expect(() => withDims(tensorOfInts([2], [1, 2]), [3])).toThrow(/dims \[3\]/)
    expect(() => ints(tensorOfFloats([1], [1]))).toThrow(/got float32/)
    expect(() => scalar(tensorOfInts([2], [1, 2]))).toThrow(/dims \[2\]/)
    expect(() => scalar(tensorOfInts([0], []))).toThrow(/one element/)
    expect(() => tensorOf('string', [0], [])).toThrow(/got string/)
  })

  it('takes other dims of as many elements', () => {
    expect(withDims(tensorOfBools([2], [true, false]), [2, 1]).dims).toEqual([2, 1])
    expect(scalar(tensorOfInts([1, 1], [5]))).toBe(5)
  })
})
