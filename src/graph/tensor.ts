import { GauntletError } from '../errors.js'
import type { DType, Graph, Tensor } from './ir.js'

/** Bytes per element; 0 for strings, which have no fixed size. */
const elementBytes: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
  string: 0,
  int4: 0.5,
  uint4: 0.5,
}

/** Bytes of a tensor of `count` elements. */
export const bytesFor = (dtype: DType, count: number): number =>
  Math.ceil(count * elementBytes[dtype])

/** Number of elements: the product of the sizes, 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((count, dim) => count * dim, 1)
}

/** The data as `Float32Array`: a view when it is aligned float32, else a converted copy. Any numeric dtype. */
export function floats(tensor: Tensor): Float32Array {
  if (tensor.dtype === 'float32') return new Float32Array(...aligned(tensor))
  return Float32Array.from(numbers(tensor))
}

/** A float32 tensor's data as an array of its own, copied once wherever it lies. */
export function ownFloats(tensor: Tensor): Float32Array {
  if (tensor.dtype !== 'float32') throw wrongDtype(tensor.dtype, 'a float32 tensor')
  return new Float32Array(new Uint8Array(tensor.data).buffer)
}

/** An integer or bool tensor as numbers. Beyond 2^53 the nearest double. */
export function ints(tensor: Tensor): number[] {
  if (!isIntegral(tensor.dtype)) throw wrongDtype(tensor.dtype, 'an integer tensor')
  return Array.from(numbers(tensor))
}

/** Any numeric tensor as doubles, in C order. */
export function numbers(tensor: Tensor): ArrayLike<number> & Iterable<number> {
  if (tensor.dtype === 'int4' || tensor.dtype === 'uint4') return halfBytes(tensor)
  const args = aligned(tensor)
  switch (tensor.dtype) {
    case 'float32':
      return new Float32Array(...args)
    case 'float64':
      return new Float64Array(...args)
    case 'float16':
      return Float64Array.from(new Uint16Array(...args), halfToNumber)
    case 'bfloat16':
      return Float64Array.from(new Uint16Array(...args), brainToNumber)
    case 'int8':
      return new Int8Array(...args)
    case 'int16':
      return new Int16Array(...args)
    case 'int32':
      return new Int32Array(...args)
    case 'int64':
      return Array.from(new BigInt64Array(...args), Number)
    case 'uint8':
    case 'bool':
      return new Uint8Array(...args)
    case 'uint16':
      return new Uint16Array(...args)
    case 'uint32':
      return new Uint32Array(...args)
    case 'uint64':
      return Array.from(new BigUint64Array(...args), Number)
    case 'string':
      throw wrongDtype(tensor.dtype, 'a numeric tensor')
  }
}

/** The only element of a numeric tensor of one element, whatever its rank. */
export function scalar(tensor: Tensor): number {
  const [value, ...rest] = numbers(tensor)
  if (value === undefined || rest.length > 0) {
    throw new GauntletError('GNT_GRAPH_INVALID', {
      what: 'a constant has more or less than one element',
      got: `dims [${tensor.dims.join(', ')}]`,
      expected: 'one element',
    })
  }
  return value
}

/** A float32 tensor; `values` in C order, as many as the dims say. */
export function tensorOfFloats(dims: readonly number[], values: Iterable<number>): Tensor {
  const data = values instanceof Float32Array ? values.slice() : Float32Array.from(values)
  return tensorOver('float32', dims, data)
}

/** The same over the array itself: whoever made it gives it away. */
export function tensorOfOwn(dims: readonly number[], values: Float32Array): Tensor {
  return tensorOver('float32', dims, values)
}

/**
 * The same for values that are made whenever somebody asks for them: most often that is once, to write them to a file,
 * and all weights of a network need not be in memory together.
 */
export function tensorMadeOf(dims: readonly number[], make: () => Float32Array): Tensor {
  return {
    dtype: 'float32',
    dims: [...dims],
    byteLength: bytesFor('float32', elementCount(dims)),
    get data() {
      return tensorOfOwn(dims, make()).data
    },
  }
}

/** Bytes of the data, without making them. */
export const byteLengthOf = (tensor: Tensor): number => tensor.byteLength ?? tensor.data.byteLength

/** An int64 tensor. Values at or beyond ±2^63 saturate: 2^63 is how a decoded INT64_MAX looks. */
export function tensorOfInts(dims: readonly number[], values: Iterable<number>): Tensor {
  return tensorOver('int64', dims, BigInt64Array.from(values, toInt64))
}

export function tensorOfBools(dims: readonly number[], values: Iterable<boolean>): Tensor {
  return tensorOver(
    'bool',
    dims,
    Uint8Array.from(values, (value) => (value ? 1 : 0)),
  )
}

/** A tensor of any float or integer dtype from doubles, rounded to nearest (float16 and bfloat16: ties to even). */
export function tensorOf(dtype: DType, dims: readonly number[], values: readonly number[]): Tensor {
  switch (dtype) {
    case 'float32':
      return tensorOfFloats(dims, values)
    case 'float64':
      return tensorOver(dtype, dims, Float64Array.from(values))
    case 'float16':
      return tensorOver(dtype, dims, Uint16Array.from(values, numberToHalf))
    case 'bfloat16':
      return tensorOver(dtype, dims, Uint16Array.from(values, numberToBrain))
    case 'int8':
      return tensorOver(dtype, dims, Int8Array.from(values))
    case 'int16':
      return tensorOver(dtype, dims, Int16Array.from(values))
    case 'int32':
      return tensorOver(dtype, dims, Int32Array.from(values))
    case 'int64':
      return tensorOfInts(dims, values)
    case 'uint8':
      return tensorOver(dtype, dims, Uint8Array.from(values))
    case 'uint16':
      return tensorOver(dtype, dims, Uint16Array.from(values))
    case 'uint32':
      return tensorOver(dtype, dims, Uint32Array.from(values))
    case 'uint64':
      return tensorOver(dtype, dims, BigUint64Array.from(values, BigInt))
    case 'bool':
      return tensorOfBools(
        dims,
        values.map((value) => value !== 0),
      )
    case 'int4':
    case 'uint4':
      return tensorOver(dtype, dims, packHalfBytes(values))
    case 'string':
      throw wrongDtype(dtype, 'a numeric tensor')
  }
}

function halfBytes({ dtype, dims, data }: Tensor): Int8Array {
  return Int8Array.from({ length: elementCount(dims) }, (_, k) => {
    const bits = (data[k >> 1]! >> (4 * (k & 1))) & 15
    return dtype === 'int4' && bits > 7 ? bits - 16 : bits
  })
}

function packHalfBytes(values: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(values.length / 2))
  values.forEach((value, k) => (bytes[k >> 1]! |= (value & 15) << (4 * (k & 1))))
  return bytes
}

/** The same data under other dims of the same element count. */
export function withDims(tensor: Tensor, dims: readonly number[]): Tensor {
  return checked({ ...tensor, dims })
}

export function isFloating(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16' || dtype === 'bfloat16'
}

function isIntegral(dtype: DType): boolean {
  return !isFloating(dtype) && dtype !== 'string'
}

/** A double as int64; saturates, because 2^63 - 1 has no double of its own. */
export function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return 2n ** 63n - 1n
  if (value <= -(2 ** 63)) return -(2n ** 63n)
  return BigInt(value)
}

/** IEEE 754 binary16, given as its bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Nearest binary16, ties to even; beyond 65504 + half a step: infinity. */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (Number.isNaN(value)) return 0x7e00
  if (size >= 65520) return sign | 0x7c00
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24)
  let exponent = Math.floor(Math.log2(size))
  // log2 may round up across a power of two.
  if (2 ** exponent > size) exponent--
  // A fraction that rounds up to 1024 carries into the exponent, which is what the format wants.
  return sign | (((exponent + 15) << 10) + roundEven((size / 2 ** exponent - 1) * 1024))
}

const scratch = new DataView(new ArrayBuffer(4))

/** bfloat16, given as its bits: the upper half of a float32. */
export function brainToNumber(bits: number): number {
  scratch.setUint32(0, (bits << 16) >>> 0)
  return scratch.getFloat32(0)
}

function numberToBrain(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  const upper = bits >>> 16
  const lower = bits & 0xffff
  return lower > 0x8000 || (lower === 0x8000 && upper & 1) ? upper + 1 : upper
}

function roundEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

function tensorOver(dtype: DType, dims: readonly number[], values: ArrayBufferView): Tensor {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return checked({ dtype, dims: [...dims], data })
}

function checked(tensor: Tensor): Tensor {
  checkBytes(tensor, tensor.data.byteLength)
  return tensor
}

/** @throws GNT_GRAPH_INVALID unless the dims ask for so many bytes */
export function checkBytes(
  { dtype, dims }: Pick<Tensor, 'dtype' | 'dims'>,
  bytes: number,
  where?: string,
): void {
  const expected = bytesFor(dtype, elementCount(dims))
  if (bytes === expected) return
  throw new GauntletError('GNT_GRAPH_INVALID', {
    what: `a ${dtype} constant does not have the bytes its dims ask for`,
    where,
    got: `${bytes} bytes`,
    expected: `${expected} for dims [${dims.join(', ')}]`,
  })
}

/** Constructor arguments of a typed array over the data; copies only when the view is not aligned. */
function aligned({ dtype, data }: Tensor): [ArrayBufferLike, number, number] {
  const size = elementBytes[dtype]
  const source = data.byteOffset % size === 0 ? data : new Uint8Array(data)
  return [source.buffer, source.byteOffset, source.byteLength / size]
}

function wrongDtype(got: DType, expected: string): GauntletError {
  return new GauntletError('GNT_GRAPH_INVALID', {
    what: 'a constant has the wrong element type',
    got,
    expected,
  })
}

/** Bytes of all initializers of a graph. */
export const sizeOfWeights = ({ initializers }: Pick<Graph, 'initializers'>): number =>
  Object.values(initializers).reduce(
    (sum, { dtype, dims }) => sum + bytesFor(dtype, elementCount(dims)),
    0,
  )
