import { unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { parseNpy } from '../../../src/data/npy.js'
import { encodeNpy, writeNpz } from '../../../src/data/npz-write.js'
import { npyBytes, npyHeader } from './build.js'

type Write = (view: DataView, at: number, value: number, isLittle: boolean) => void

const types: readonly { type: string; bytes: number; write: Write; values: readonly number[] }[] = [
  { type: 'b1', bytes: 1, write: (v, at, x) => v.setUint8(at, x), values: [0, 1, 1, 0, 1, 0] },
  {
    type: 'u1',
    bytes: 1,
    write: (v, at, x) => v.setUint8(at, x),
    values: [0, 1, 127, 128, 254, 255],
  },
  { type: 'i1', bytes: 1, write: (v, at, x) => v.setInt8(at, x), values: [0, 1, -1, 127, -128, 5] },
  {
    type: 'u2',
    bytes: 2,
    write: (v, at, x, le) => v.setUint16(at, x, le),
    values: [0, 1, 256, 65535, 9, 7],
  },
  {
    type: 'i2',
    bytes: 2,
    write: (v, at, x, le) => v.setInt16(at, x, le),
    values: [0, 1, -2, 32767, -32768, 9],
  },
  {
    type: 'u4',
    bytes: 4,
    write: (v, at, x, le) => v.setUint32(at, x, le),
    values: [0, 1, 65536, 4294967295, 3, 2],
  },
  {
    type: 'i4',
    bytes: 4,
    write: (v, at, x, le) => v.setInt32(at, x, le),
    values: [0, -1, 65536, 2147483647, 3, 2],
  },
  {
    type: 'i8',
    bytes: 8,
    write: (v, at, x, le) => v.setBigInt64(at, BigInt(x), le),
    values: [0, -1, 9, 2 ** 40, 3, 2],
  },
  {
    type: 'u8',
    bytes: 8,
    write: (v, at, x, le) => v.setBigUint64(at, BigInt(x), le),
    values: [0, 1, 9, 2 ** 40, 3, 2],
  },
  {
    type: 'f4',
    bytes: 4,
    write: (v, at, x, le) => v.setFloat32(at, x, le),
    values: [0, -1.5, 0.25, 3e8, 3, 2],
  },
  {
    type: 'f8',
    bytes: 8,
    write: (v, at, x, le) => v.setFloat64(at, x, le),
    values: [0, -1.1, 0.1, 1e300, 3, 2],
  },
]

function body(
  { bytes, write }: (typeof types)[number],
  values: readonly number[],
  isLittle: boolean,
) {
  const buffer = new ArrayBuffer(values.length * bytes)
  values.forEach((value, i) => write(new DataView(buffer), i * bytes, value, isLittle))
  return new Uint8Array(buffer)
}

describe.each(types)('npy $type', (type) => {
  it.each([
    { order: '<', isLittle: true },
    { order: '>', isLittle: false },
  ])('reads byte order $order', ({ order, isLittle }) => {
    const file = npyBytes(
      npyHeader(`${order}${type.type}`, [2, 3]),
      body(type, type.values, isLittle),
    )
    const array = parseNpy(file, 'a.npy')
    expect(array.shape).toEqual([2, 3])
    expect([...array.data]).toEqual(type.values)
  })
})

describe('npy', () => {
  it('decodes half precision: normal, subnormal, infinite', () => {
    const halves = new Uint16Array([0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x7e00])
    const bytes = new Uint8Array(halves.buffer)
    const { data } = parseNpy(npyBytes(npyHeader('<f2', [8]), bytes), 'a.npy')
    const third = 1365 / 4096
    expect([...data]).toEqual([1, -2, third, 2 ** -24, 65504, Infinity, -Infinity, NaN])
  })

  it('turns Fortran order of three axes into C order', () => {
    const [a, b, c] = [2, 3, 4]
    const stored = new Uint8Array(a * b * c)
    for (let i = 0; i < a; i++)
      for (let j = 0; j < b; j++)
        for (let k = 0; k < c; k++) stored[i + a * (j + b * k)] = 100 * i + 10 * j + k
    const { data } = parseNpy(npyBytes(npyHeader('|u1', [a, b, c], true), stored), 'a.npy')
    const expected = [0, 1].flatMap((i) =>
      [0, 1, 2].flatMap((j) => [0, 1, 2, 3].map((k) => 100 * i + 10 * j + k)),
    )
    expect([...data]).toEqual(expected)
  })

  it.each([1, 2, 3])('reads format version %i', (version) => {
    const file = npyBytes(npyHeader('|u1', [3]), new Uint8Array([7, 8, 9]), version)
    expect([...parseNpy(file, 'a.npy').data]).toEqual([7, 8, 9])
  })

  it('reads from bytes that begin at an odd offset', () => {
    const file = npyBytes(npyHeader('<f4', [2]), new Uint8Array(new Float32Array([1.5, -2]).buffer))
    const shifted = new Uint8Array(file.length + 1)
    shifted.set(file, 1)
    expect([...parseNpy(shifted.subarray(1), 'a.npy').data]).toEqual([1.5, -2])
  })
})

describe('writeNpz', () => {
  const arrays = {
    x: { shape: [2, 2], data: new Float32Array([0.5, -1, 3e-8, 255]) },
    y: { shape: [2], data: new Int32Array([3, -4]) },
    big: { shape: [1], data: new BigInt64Array([2n ** 40n]) },
    pixels: { shape: [3], data: new Uint8Array([0, 128, 255]) },
    success: { shape: [2], data: new Uint8Array([1, 0]), dtype: 'bool' },
  } as const

  it('gives back shapes, types and values', () => {
    const files = unzipSync(writeNpz(arrays))
    const read = (name: string) => parseNpy(files[`${name}.npy`] ?? new Uint8Array(), name)
    expect(read('x')).toEqual({ ...arrays.x, kind: 'float' })
    expect(read('y')).toEqual({ shape: [2], data: new Float64Array([3, -4]), kind: 'integer' })
    expect([...read('big').data]).toEqual([2 ** 40])
    expect(read('pixels').kind).toBe('uint8')
    expect(read('success').kind).toBe('bool')
  })

  it('writes the header that numpy writes', () => {
    const text = Buffer.from(encodeNpy(arrays.y)).toString('latin1')
    expect(text.slice(10)).toMatch(
      /^\{'descr': '<i8', 'fortran_order': False, 'shape': \(2,\), \} *\n/,
    )
    expect((text.indexOf('\n') + 1) % 64).toBe(0)
  })

  it('is deterministic', () => {
    expect(writeNpz(arrays)).toEqual(writeNpz(arrays))
  })

  it('refuses a shape that does not fit', () => {
    expect(() => encodeNpy({ shape: [3], data: new Uint8Array(2) })).toThrow(
      'cannot have shape (3)',
    )
  })
})
