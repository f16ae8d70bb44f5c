import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { encodeNpy, writeNpz } from '../../../src/data/npz-write.js'
import { listZip, unpackEntry } from '../../../src/data/zip.js'
import { idxBytes, npyBytes, npyHeader, ramp, tempFolder } from './build.js'
import type { Refusal } from './refusals.js'
import { describeRefusals, failure } from './refusals.js'

const folder = tempFolder()
const x = { shape: [3, 2, 2], data: ramp(12) }
const y = { shape: [3], data: new Int32Array([0, 1, 2]) }
const good = writeNpz({ x, y })
const zeros = (count: number) => new Uint8Array(count)

/** The archive with a byte, or a 32-bit number of its first directory entry, changed. */
function patched(
  at: number | 'unpackedBytes' | 'packedBytes' | 'method',
  value: number,
): Uint8Array {
  const bytes = Buffer.from(good)
  const directory = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
  if (typeof at === 'number') bytes[at] = value
  else if (at === 'method') bytes.writeUInt16LE(value, directory + 10)
  else bytes.writeUInt32LE(value, directory + (at === 'packedBytes' ? 20 : 24))
  return bytes
}

const formatCases: readonly Refusal[] = [
  { label: 'empty file', file: 'a.npz', bytes: '', says: /file is empty/ },
  {
    label: 'truncated npz',
    file: 'a.npz',
    bytes: good.subarray(0, good.length - 30),
    says: /not a zip archive, or truncated/,
  },
  {
    label: 'npz cut inside an entry',
    file: 'a.npz',
    bytes: Buffer.concat([good.subarray(0, 60), good.subarray(-100)]),
    says: /damaged/,
  },
  {
    label: 'another file named npz',
    file: 'a.npz',
    bytes: '\u0008\u0007model',
    says: /not a zip archive/,
  },
  {
    label: 'npz with a flipped byte',
    file: 'a.npz',
    bytes: patched(60, 0xff),
    says: /damaged archive/,
  },
  {
    label: 'npz that claims 4 GB',
    file: 'a.npz',
    bytes: patched('unpackedBytes', 0xfffffff0),
    says: /unpacks to too much.*expected at most 2147483648/,
  },
  {
    label: 'npz that claims 1 GB',
    file: 'a.npz',
    bytes: patched('unpackedBytes', 2 ** 30),
    says: /impossible size/,
  },
  {
    label: 'npz that claims too little',
    file: 'a.npz',
    bytes: patched('unpackedBytes', 20),
    says: /damaged archive/,
  },
  {
    label: 'npz entry longer than the file',
    file: 'a.npz',
    bytes: patched('packedBytes', 2 ** 30),
    says: /truncated/,
  },
  {
    label: 'npz of another zip method',
    file: 'a.npz',
    bytes: patched('method', 14),
    says: /zip method.*got 14/,
  },
  {
    label: 'npz without samples',
    file: 'a.npz',
    bytes: writeNpz({ weights: x, bias: y }),
    says: /got keys weights, bias, expected x\/y/,
  },
  { label: 'npz without labels', file: 'a.npz', bytes: writeNpz({ x }), says: /got keys x,/ },
  {
    label: 'truncated npy',
    file: 'a.npy',
    bytes: npyBytes(npyHeader('<f4', [100, 100]), zeros(39_999)),
    says: /truncated.*got 39999 bytes, expected 40000/,
  },
  {
    label: 'npy with an absurd shape',
    file: 'a.npy',
    bytes: npyBytes(npyHeader('<f8', [2 ** 40, 2 ** 40]), zeros(8)),
    says: /truncated/,
  },
  {
    label: 'npy cut in its header',
    file: 'a.npy',
    bytes: npyBytes(npyHeader('<f4', [1]), zeros(4)).subarray(0, 40),
    says: /truncated inside its header/,
  },
  {
    label: 'npy cut after its magic',
    file: 'a.npy',
    bytes: npyBytes(npyHeader('<f4', [1]), zeros(4)).subarray(0, 9),
    says: /truncated/,
  },
  {
    label: 'npy too long',
    file: 'a.npy',
    bytes: npyBytes(npyHeader('|u1', [2]), zeros(9)),
    says: /more bytes/,
  },
  {
    label: 'npy of objects',
    file: 'a.npy',
    bytes: npyBytes(npyHeader('|O', [1]), zeros(8)),
    says: /got \|O, Python objects/,
  },
  {
    label: 'npy of text',
    file: 'a.npy',
    bytes: npyBytes(npyHeader('<U4', [1]), zeros(16)),
    says: /array type that is not read/,
  },
  {
    label: 'npy of records',
    file: 'a.npy',
    bytes: npyBytes("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", zeros(4)),
    says: /unreadable \.npy header/,
  },
  {
    label: 'npy of a later version',
    file: 'a.npy',
    bytes: npyBytes(npyHeader('|u1', [1]), zeros(1), 9),
    says: /version.*got 9/,
  },
  {
    label: 'npy without labels',
    file: 'lonely.npy',
    bytes: encodeNpy(x),
    says: /no labels.*name the label file/,
  },
  {
    label: 'truncated idx',
    file: 'a-images-idx3-ubyte',
    bytes: idxBytes(8, [10, 28, 28], zeros(7000)),
    says: /IDX file is truncated.*expected 7856/,
  },
  {
    label: 'idx with an absurd shape',
    file: 'a-images-idx3-ubyte',
    bytes: idxBytes(8, [2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], zeros(8)),
    says: /truncated/,
  },
  {
    label: 'idx of no known type',
    file: 'a-images-idx3-ubyte',
    bytes: idxBytes(0x55, [1], zeros(1)),
    says: /not an IDX file/,
  },
  {
    label: 'idx without labels',
    file: 'b-images-idx3-ubyte',
    bytes: idxBytes(8, [1, 2, 2], zeros(4)),
    says: /no label file/,
  },
  {
    label: 'broken gzip',
    file: 'a-images-idx3-ubyte.gz',
    bytes: gzipSync(ramp(5000)).subarray(0, 200),
    says: /gzip data is damaged/,
  },
  {
    label: 'truncated CIFAR',
    file: 'data_batch_1.bin',
    bytes: ramp(3072),
    says: /got 3072 bytes, expected a multiple of 3073/,
  },
  { label: 'csv without a header', file: 'a.csv', bytes: '1,2,0\n3,4,1\n', says: /no header/ },
  { label: 'csv of one column', file: 'a.csv', bytes: 'label\n1\n', says: /no features/ },
  {
    label: 'csv with a short line',
    file: 'a.csv',
    bytes: 'a,b,y\n1,2,0\n3,4\n',
    says: /cannot be read/,
  },
  {
    label: 'csv with an open quote',
    file: 'a.csv',
    bytes: 'a,b,y\n"1,2,0\n3,4,1\n',
    says: /cannot be read/,
  },
  { label: 'binary csv', file: 'a.csv', bytes: zeros(50), says: /not a text file/ },
  {
    label: 'unknown file',
    file: 'a.onnx',
    bytes: '\u0008\u0007model',
    says: /format not recognised/,
  },
]

describeRefusals('GNT_DATA_FORMAT', formatCases)

const picture = (width: number) =>
  sharp({ create: { width, height: 4, channels: 3, background: 'red' } })
    .png()
    .toBuffer()

describe('bad folders', () => {
  it('refuses pictures of different sizes, and names the odd one', async () => {
    mkdirSync(join(folder.path, 'sizes/a'), { recursive: true })
    folder.write('sizes/a/1.png', await picture(4))
    folder.write('sizes/a/2.png', await picture(5))
    const error = await failure({ path: join(folder.path, 'sizes') })
    expect(error.code).toBe('GNT_DATA_SHAPE')
    expect(error.message).toMatch(/2\.png\): got 5x4, expected 4x4/)
  })

  it('refuses a picture that cannot be decoded, whole or in part', async () => {
    mkdirSync(join(folder.path, 'broken/a'), { recursive: true })
    folder.write('broken/a/1.png', 'not a picture')
    const error = await failure({ path: join(folder.path, 'broken') })
    expect(error.code).toBe('GNT_DATA_FORMAT')
    expect(error.message).toMatch(/cannot be decoded .*1\.png/)
    folder.write('broken/a/1.png', (await picture(40)).subarray(0, -30))
    expect((await failure({ path: join(folder.path, 'broken') })).code).toBe('GNT_DATA_FORMAT')
  })

  it('refuses a folder of nothing', async () => {
    mkdirSync(join(folder.path, 'nothing/a'), { recursive: true })
    const error = await failure({ path: join(folder.path, 'nothing') })
    expect(error.code).toBe('GNT_DATA_FORMAT')
    expect(error.message).toMatch(/no pictures in subfolders/)
  })
})

it('judges the unpacked size before it unpacks', () => {
  const bomb = writeNpz({ x: { shape: [1 << 20], data: zeros(1 << 20) } })
  const [entry] = listZip(bomb, 'bomb.npz')
  if (!entry) throw new Error('the archive has one entry')
  expect(() => unpackEntry(bomb, entry, 'bomb.npz', 1 << 20)).toThrow(/unpacks to too much/)
  expect(unpackEntry(bomb, entry, 'bomb.npz').length).toBe((1 << 20) + 128)
})
