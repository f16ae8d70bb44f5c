import type { NumericArray, RawArray } from './raw.js'
import { formatError, printable, product, shapeText } from './raw.js'

interface ElementType {
  readonly bytes: number
  readonly kind: RawArray['kind']
  /** @param buffer - exactly the array's bytes, in this machine's byte order, aligned to 8 */
  readonly view: (buffer: ArrayBuffer) => NumericArray
}

/** Keyed by numpy's type string without the byte order. 64-bit integers become float64: labels and pixels fit. */
const elementTypes: Readonly<Record<string, ElementType>> = {
  b1: { bytes: 1, kind: 'bool', view: (buffer) => new Uint8Array(buffer) },
  u1: { bytes: 1, kind: 'uint8', view: (buffer) => new Uint8Array(buffer) },
  i1: { bytes: 1, kind: 'integer', view: (buffer) => new Int8Array(buffer) },
  u2: { bytes: 2, kind: 'integer', view: (buffer) => new Uint16Array(buffer) },
  i2: { bytes: 2, kind: 'integer', view: (buffer) => new Int16Array(buffer) },
  u4: { bytes: 4, kind: 'integer', view: (buffer) => new Uint32Array(buffer) },
  i4: { bytes: 4, kind: 'integer', view: (buffer) => new Int32Array(buffer) },
  u8: { bytes: 8, kind: 'integer', view: (b) => Float64Array.from(new BigUint64Array(b), Number) },
  i8: { bytes: 8, kind: 'integer', view: (b) => Float64Array.from(new BigInt64Array(b), Number) },
  f2: { bytes: 2, kind: 'float', view: (b) => Float32Array.from(new Uint16Array(b), halfToFloat) },
  f4: { bytes: 4, kind: 'float', view: (buffer) => new Float32Array(buffer) },
  f8: { bytes: 8, kind: 'float', view: (buffer) => new Float64Array(buffer) },
}

export interface NpyHeader {
  readonly descr: string
  readonly isFortran: boolean
  readonly shape: readonly number[]
  /** Offset of the first value. */
  readonly start: number
}

export function isNpy(bytes: Uint8Array): boolean {
  return bytes[0] === 0x93 && Buffer.from(bytes.subarray(1, 6)).toString('latin1') === 'NUMPY'
}

/**
 * Reads one .npy array, format versions 1 to 3, either byte order, C or Fortran order. Object arrays
 * (pickles) are code, not data, and are refused.
 *
 * @returns the values in C order, in memory of their own
 * @throws GauntletError GNT_DATA_FORMAT
 * Source: NumPy enhancement proposal 1, and numpy.lib.format.
 */
export function parseNpy(bytes: Uint8Array, where: string): RawArray {
  const { descr, isFortran, shape, start } = parseHeader(bytes, where)
  const type = elementType(descr, where)
  const present = bytes.length - start
  const needed = product(shape) * type.bytes
  if (needed !== present)
    throw formatError(
      needed > present ? 'array is truncated' : 'more bytes than the array needs',
      where,
      {
        got: `${present} bytes`,
        expected: `${needed} for ${shapeText(shape)} of ${descr}`,
      },
    )
  const data = npyValues(bytes.subarray(start), descr, where)
  return { data: isFortran ? toCOrder(data, shape) : data, shape, kind: type.kind }
}

/**
 * Values of a part of an array, in memory of their own.
 * @param bytes - whole elements
 */
export function npyValues(bytes: Uint8Array, descr: string, where: string): NumericArray {
  const type = elementType(descr, where)
  const buffer = new ArrayBuffer(bytes.length)
  new Uint8Array(buffer).set(bytes)
  if (descr.startsWith('>')) swapBytes(Buffer.from(buffer), type.bytes)
  return type.view(buffer)
}

/** @throws GNT_DATA_FORMAT for a type that is not read */
export function elementType(descr: string, where: string): ElementType {
  const type = elementTypes[descr.replace(/^[<>=|]/, '')]
  if (type) return type
  throw formatError('array type that is not read', where, {
    got: `${printable(descr)}${descr.includes('O') ? ', Python objects' : ''}`,
    expected: Object.keys(elementTypes).join(' '),
    fix: 'save the array as uint8, int64 or float32',
  })
}

/** @param bytes - at least the whole header */
export function parseHeader(bytes: Uint8Array, where: string): NpyHeader {
  if (!isNpy(bytes))
    throw formatError('not a .npy array', where, { expected: 'it to begin with \\x93NUMPY' })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = bytes[6] ?? 0
  const start = version === 1 ? 10 : 12
  if (version < 1 || version > 3)
    throw formatError('unknown .npy version', where, { got: String(version), expected: '1 to 3' })
  if (bytes.length < start)
    throw formatError('array is truncated', where, { got: `${bytes.length} bytes` })
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (start + length > bytes.length)
    throw formatError('array is truncated inside its header', where, {
      got: `${bytes.length} bytes`,
      expected: `at least ${start + length}`,
    })
  const text = Buffer.from(bytes.subarray(start, start + length)).toString('utf8')
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1]
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1]
  const sizes = /'shape'\s*:\s*\(([^)]*)\)/.exec(text)?.[1]
  const shape = sizes
    ?.split(',')
    .map((size) => size.trim())
    .filter(Boolean)
  if (descr === undefined || !order || !shape?.every((size) => /^\d{1,15}$/.test(size)))
    throw formatError('unreadable .npy header', where, {
      got: printable(text),
      expected: 'one plain array, not a structured one',
    })
  return { descr, isFortran: order === 'True', shape: shape.map(Number), start: start + length }
}

function swapBytes(buffer: Buffer, width: number): void {
  if (width === 2) buffer.swap16()
  if (width === 4) buffer.swap32()
  if (width === 8) buffer.swap64()
}

/** Fortran order has the first axis fastest: walk the target in C order and step the source by its strides. */
function toCOrder(source: NumericArray, shape: readonly number[]): NumericArray {
  const target = source.slice()
  const strides = shape.map((_, axis) => product(shape.slice(0, axis)))
  const index = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from] ?? 0
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0
      index[axis] = (index[axis] ?? 0) + 1
      from += stride
      if (index[axis] !== shape[axis]) break
      from -= stride * (shape[axis] ?? 0)
      index[axis] = 0
    }
  }
  return target
}

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
