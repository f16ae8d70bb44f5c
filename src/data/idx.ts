import type { NumericArray, RawArray } from './raw.js'
import { formatError, product, shapeText } from './raw.js'

interface ElementType {
  readonly bytes: number
  readonly kind: RawArray['kind']
  readonly allocate: (count: number) => NumericArray
  readonly get: (view: DataView, at: number) => number
}

/** By the third byte of the file. Values are big endian. */
const elementTypes: Readonly<Record<number, ElementType>> = {
  0x08: {
    bytes: 1,
    kind: 'uint8',
    allocate: (n) => new Uint8Array(n),
    get: (v, at) => v.getUint8(at),
  },
  0x09: {
    bytes: 1,
    kind: 'integer',
    allocate: (n) => new Int8Array(n),
    get: (v, at) => v.getInt8(at),
  },
  0x0b: {
    bytes: 2,
    kind: 'integer',
    allocate: (n) => new Int16Array(n),
    get: (v, at) => v.getInt16(at),
  },
  0x0c: {
    bytes: 4,
    kind: 'integer',
    allocate: (n) => new Int32Array(n),
    get: (v, at) => v.getInt32(at),
  },
  0x0d: {
    bytes: 4,
    kind: 'float',
    allocate: (n) => new Float32Array(n),
    get: (v, at) => v.getFloat32(at),
  },
  0x0e: {
    bytes: 8,
    kind: 'float',
    allocate: (n) => new Float64Array(n),
    get: (v, at) => v.getFloat64(at),
  },
}

export function isIdx(bytes: Uint8Array): boolean {
  const [zero, alsoZero, type = 0, rank = 0] = bytes
  return zero === 0 && alsoZero === 0 && type in elementTypes && rank >= 1 && rank <= 8
}

/** Also as long as its header says: four bytes alone prove little. */
export function hasIdxSize(bytes: Uint8Array): boolean {
  const header = isIdx(bytes) ? readHeader(bytes) : undefined
  return header !== undefined && header.needed === bytes.length
}

/** @returns undefined if the bytes end inside the header */
export function readHeader(bytes: Uint8Array) {
  const type = elementTypes[bytes[2] ?? 0]
  const rank = bytes[3] ?? 0
  const start = 4 + 4 * rank
  if (!type || bytes.length < start) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  return { type, start, shape, needed: start + product(shape) * type.bytes }
}

/**
 * Reads the IDX format of the MNIST family: two zero bytes, element type, rank, sizes as big-endian
 * uint32, values in C order.
 *
 * @param bytes - already unpacked
 * @throws GauntletError GNT_DATA_FORMAT
 * Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", file formats.
 */
export function parseIdx(bytes: Uint8Array, where: string): RawArray {
  if (!isIdx(bytes))
    throw formatError('not an IDX file', where, {
      expected: 'it to begin with 00 00, a type and a rank',
    })
  const header = readHeader(bytes)
  if (!header)
    throw formatError('IDX file is truncated inside its header', where, {
      got: `${bytes.length} bytes`,
    })
  const { type, start, shape, needed } = header
  if (needed !== bytes.length)
    throw formatError(
      needed > bytes.length ? 'IDX file is truncated' : 'IDX file is too long',
      where,
      {
        got: `${bytes.length} bytes`,
        expected: `${needed} for ${shapeText(shape)}`,
      },
    )
  return { data: idxValues(bytes.subarray(start), type), shape, kind: type.kind }
}

/** @param bytes - whole elements */
export function idxValues(bytes: Uint8Array, type: ElementType): NumericArray {
  const data = type.allocate(bytes.length / type.bytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (data instanceof Uint8Array) data.set(bytes)
  else for (let i = 0; i < data.length; i++) data[i] = type.get(view, i * type.bytes)
  return data
}
