import { zipSync } from 'fflate'

/** What can be saved. int32 is widened to int64, numpy's own choice for labels. */
export interface NpyArray {
  readonly shape: readonly number[]
  /** float32, int64 (both integer arrays) or uint8, by the array's own type. */
  readonly data: Float32Array | BigInt64Array | Int32Array | Uint8Array
  /** Marks a Uint8Array of 0 and 1 as numpy `bool`. */
  readonly dtype?: 'bool' | undefined
}

/**
 * Bytes of a deflated .npz. The same arrays give the same bytes: entries carry no date.
 *
 * @param entries - name -> array in C order; numpy sees the names as its keys
 */
export function writeNpz(entries: Readonly<Record<string, NpyArray>>): Uint8Array {
  const files: Record<string, Uint8Array> = {}
  for (const [name, array] of Object.entries(entries)) files[`${name}.npy`] = encodeNpy(array)
  // DOS time has no zone: the first moment it can tell, in local time, is the same bytes everywhere.
  return zipSync(files, { level: 6, mtime: new Date(1980, 0, 1) })
}

/** One array as .npy, format version 1.0, little endian, C order. */
export function encodeNpy({ shape, data, dtype }: NpyArray): Uint8Array {
  const count = shape.reduce((total, size) => total * size, 1)
  if (count !== data.length)
    throw new Error(`array of ${data.length} values cannot have shape (${shape.join(', ')})`)
  const values = data instanceof Int32Array ? BigInt64Array.from(data, BigInt) : data
  const type = dtype === 'bool' ? '|b1' : typeText(values)
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`
  // Values begin at a multiple of 64, so that they can be mapped into memory; 10 bytes precede the header.
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10
  const out = new Uint8Array(10 + length + values.byteLength)
  out.set([0x93, ...Buffer.from('NUMPY', 'latin1'), 1, 0, length & 0xff, length >> 8])
  out.set(Buffer.from(`${header.padEnd(length - 1)}\n`, 'latin1'), 10)
  out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + length)
  return out
}

function typeText(values: Float32Array | BigInt64Array | Uint8Array): string {
  if (values instanceof Float32Array) return '<f4'
  return values instanceof BigInt64Array ? '<i8' : '|u1'
}
