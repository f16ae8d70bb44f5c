import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { DatasetSpec } from '../../../src/data/dataset.js'
import { loadDataset } from '../../../src/data/load.js'
import { encodeNpy, writeNpz } from '../../../src/data/npz-write.js'
import { listZip, unpackEntry } from '../../../src/data/zip.js'
import { GauntletError } from '../../../src/errors.js'
import { idxBytes, npyBytes, npyHeader, ramp, tempFolder } from './build.js'

const folder = tempFolder()
const x = { shape: [3, 2, 2], data: ramp(12) }
const y = { shape: [3], data: new Int32Array([0, 1, 2]) }
const good = writeNpz({ x, y })
const zeros = (count: number) => new Uint8Array(count)
const npz = (entries: Parameters<typeof writeNpz>[0]) => writeNpz({ x, y, ...entries })

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

interface Case {
  readonly label: string
  readonly file: string
  readonly bytes: Uint8Array | string
  readonly spec?: Partial<DatasetSpec>
  readonly code: string
  readonly says: RegExp
}

const formatCases: readonly Omit<Case, 'code'>[] = [
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

const valueCases: readonly Omit<Case, 'code'>[] = [
  {
    label: 'NaN',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, NaN, 1]) } }),
    says: /not a finite number.*sample 1\): got NaN/,
  },
  {
    label: 'Infinity',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, 0, -Infinity]) } }),
    says: /sample 2\): got -Infinity/,
  },
  {
    label: 'float pixels',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, 254.5, 255]) } }),
    says: /sample 1\): got 254\.5.*expected 0\.\.1.*pass --range 0\.\.255/,
  },
  {
    label: 'normalised values',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, 0.1, -1.9]) } }),
    says: /sample 2\): got -1\.9.*pass --range -2\.\.1/,
  },
  {
    label: 'above the declared range',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Uint8Array([0, 16, 17]) } }),
    spec: { range: [0, 16] },
    says: /sample 2\): got 17.*expected 0\.\.16;/,
  },
  {
    label: 'fractions declared as pixels',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Float32Array([0, 0.5, 1]) } }),
    spec: { range: [0, 255] },
    says: /do not look like 8-bit pixels.*--range 0\.\.1/,
  },
  {
    label: 'int64 beyond float32',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 1], data: new Int32Array([0, 1, 300]) } }),
    says: /got 300.*--range 0\.\.300/,
  },
  {
    label: 'negative label',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3], data: new Int32Array([0, -1, 1]) } }),
    says: /label outside.*sample 1\): got -1/,
  },
  {
    label: 'label outside the classes',
    file: 'a.npz',
    bytes: npz({}),
    spec: { classes: 2 },
    says: /sample 2\): got 2, expected an integer 0\.\.1; subtract 1/,
  },
  {
    label: 'fractional label',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3], data: new Float32Array([0, 0.5, 1]) } }),
    says: /not a class index.*got 0\.5/,
  },
  {
    label: 'huge label',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3], data: new BigInt64Array([0n, 2n ** 62n, 1n]) } }),
    says: /label outside the classes/,
  },
  {
    label: 'soft labels',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3, 2], data: new Float32Array([1, 0, 0.5, 0.5, 0, 1]) } }),
    says: /sample 1\): got \[0\.5, 0\.5\]/,
  },
  {
    label: 'two-hot labels',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3, 2], data: new Uint8Array([1, 0, 1, 1, 0, 1]) } }),
    says: /neither class indices nor one-hot/,
  },
  {
    label: 'CIFAR label of 10',
    file: 'data_batch_1.bin',
    bytes: Buffer.concat([Buffer.from([10]), ramp(3072)]),
    says: /got 10, expected an integer 0\.\.9/,
  },
  {
    label: 'word in a csv',
    file: 'a.csv',
    bytes: 'a,b,y\n1,2,0\n1,two,1\n',
    says: /sample 1, column b\): got "two"/,
  },
  {
    label: 'empty cell in a csv',
    file: 'a.csv',
    bytes: 'a,y,b\n1,0,\n',
    says: /empty cell .*sample 0, column b/,
  },
  { label: 'NaN in a csv', file: 'a.csv', bytes: 'a,b,y\n1,nan,0\n', says: /not a finite number/ },
  {
    label: 'mixed labels in a csv',
    file: 'a.csv',
    bytes: 'a,y\n1,0\n2,cat\n',
    says: /sample 1, label\): got "cat"/,
  },
  {
    label: 'constant csv',
    file: 'a.csv',
    bytes: 'a,y\n1,0\n1,1\n',
    says: /all values are the same/,
  },
]

const shapeCases: readonly Omit<Case, 'code'>[] = [
  {
    label: 'fewer labels than samples',
    file: 'a.npz',
    bytes: npz({ y: { shape: [2], data: new Int32Array(2) } }),
    says: /labels of shape \(2\) for 3 samples/,
  },
  {
    label: 'labels of three axes',
    file: 'a.npz',
    bytes: npz({ y: { shape: [3, 1, 1], data: new Int32Array(3) } }),
    says: /labels of shape \(3, 1, 1\)/,
  },
  {
    label: 'no samples',
    file: 'a.npz',
    bytes: npz({ x: { shape: [0, 2], data: zeros(0) }, y: { shape: [0], data: zeros(0) } }),
    says: /data set is empty/,
  },
  { label: 'csv of a header only', file: 'a.csv', bytes: 'a,b,y\n', says: /data set is empty/ },
  {
    label: 'samples without features',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 0], data: zeros(0) } }),
    says: /not an array of samples.*\(3, 0\)/,
  },
  {
    label: 'one axis',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3], data: zeros(3) } }),
    says: /not an array of samples/,
  },
  {
    label: 'a single number',
    file: 'a.npz',
    bytes: npz({ x: { shape: [], data: zeros(1) } }),
    says: /data set is empty|not an array/,
  },
  {
    label: 'channels at either end',
    file: 'a.npz',
    bytes: npz({ x: { shape: [3, 3, 5, 3], data: zeros(135) } }),
    says: /which axis holds the channels.*\(3, 3, 5, 3\)/,
  },
]

const usageCases: readonly Omit<Case, 'code'>[] = [
  { label: 'limit of 0', file: 'a.npz', bytes: good, spec: { limit: 0 }, says: /wrong limit/ },
  {
    label: 'one class',
    file: 'a.npz',
    bytes: good,
    spec: { classes: 1 },
    says: /wrong number of classes/,
  },
  {
    label: 'range upside down',
    file: 'a.npz',
    bytes: good,
    spec: { range: [1, 0] },
    says: /wrong range.*got 1\.\.0/,
  },
  {
    label: 'labels for a csv',
    file: 'a.csv',
    bytes: 'a,y\n1,0\n',
    spec: { labels: 'y.npy' },
    says: /expected one only for npz, npy and idx/,
  },
  {
    label: 'a billion glyphs',
    file: 'glyphs',
    bytes: '',
    spec: { path: 'glyphs', limit: 1e9 },
    says: /too many synthetic samples/,
  },
]

const fileCases: readonly Omit<Case, 'code'>[] = [
  {
    label: 'missing file',
    file: 'a.npz',
    bytes: good,
    spec: { path: '/nowhere/a.npz' },
    says: /no such file or folder \(\/nowhere\/a\.npz\)/,
  },
  {
    label: 'missing label file',
    file: 'a.npz',
    bytes: good,
    spec: { labels: '/nowhere/y.npy' },
    says: /no such file/,
  },
  {
    label: 'folder instead of a file',
    file: 'a.npz',
    bytes: good,
    spec: { path: folder.path, format: 'npz' },
    says: /a folder where a file is expected/,
  },
  {
    label: 'file instead of a folder',
    file: 'a.npz',
    bytes: good,
    spec: { format: 'image-folder' },
    says: /a file where a folder is expected/,
  },
]

const cases: readonly Case[] = [
  ...formatCases.map((row) => ({ ...row, code: 'GNT_DATA_FORMAT' })),
  ...valueCases.map((row) => ({ ...row, code: 'GNT_DATA_VALUES' })),
  ...shapeCases.map((row) => ({ ...row, code: 'GNT_DATA_SHAPE' })),
  ...usageCases.map((row) => ({ ...row, code: 'GNT_USAGE' })),
  ...fileCases.map((row) => ({ ...row, code: 'GNT_FILE' })),
]

async function failure(spec: DatasetSpec): Promise<GauntletError> {
  const error: unknown = await loadDataset(spec).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof GauntletError))
    throw new Error('expected a GauntletError', { cause: error })
  return error
}

describe.each(cases)('$code: $label', ({ file, bytes, spec, code, says }) => {
  it('is refused in one line', async () => {
    const path = folder.write(file, bytes)
    const error = await failure({ path, ...spec })
    expect(error.message).toMatch(says)
    expect(error.message).not.toMatch(/\p{Cc}/u)
    expect(error.code).toBe(code)
    expect(error.exitCode).toBe(2)
  })
})

describe('bad folders', () => {
  const picture = (width: number) =>
    sharp({ create: { width, height: 4, channels: 3, background: 'red' } })
      .png()
      .toBuffer()

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
