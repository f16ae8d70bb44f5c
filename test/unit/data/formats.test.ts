import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { loadDataset } from '../../../src/data/load.js'
import { encodeNpy, writeNpz } from '../../../src/data/npz-write.js'
import { idxBytes, ramp, tempFolder } from './build.js'

const folder = tempFolder()
const images = { shape: [3, 4, 5], data: ramp(60) }
const labels = { shape: [3], data: new Int32Array([2, 0, 1]) }

/** One CIFAR record. */
const record = (...marks: number[]) => Buffer.concat([Buffer.from(marks), ramp(3072)])

/** @returns the first one's top folder */
function make(...names: string[]): string {
  for (const name of names) mkdirSync(join(folder.path, name), { recursive: true })
  return join(folder.path, names[0]?.split('/')[0] ?? '')
}

async function save(
  name: string,
  channels: 1 | 3 | 4,
  data: Uint8Array,
  kind: 'png' | 'webp' = 'png',
) {
  const image = sharp(data, { raw: { width: 4, height: 3, channels } })
  const shaped = channels === 1 ? image.toColourspace('b-w') : image
  folder.write(
    name,
    await (kind === 'png' ? shaped.png() : shaped.webp({ lossless: true })).toBuffer(),
  )
}

describe('npz', () => {
  it.each([
    ['x', 'y'],
    ['images', 'labels'],
    ['x_test', 'y_test'],
    ['data', 'target'],
    ['X', 'Y'],
  ])('reads the keys %s and %s', async (x, y) => {
    const other = { shape: [1], data: new Uint8Array(1) }
    const path = folder.write(`${x}-keys.npz`, writeNpz({ other, [y]: labels, [x]: images }))
    const set = await loadDataset({ path })
    expect(set).toMatchObject({
      source: path,
      format: 'npz',
      count: 3,
      shape: [1, 4, 5],
      classes: 3,
    })
    expect([...set.values]).toEqual([...images.data])
    expect([...set.labels]).toEqual([2, 0, 1])
  })

  it('prefers x and y over other pairs', async () => {
    const path = folder.write(
      'two.npz',
      writeNpz({ data: labels, target: labels, x: images, y: labels }),
    )
    expect((await loadDataset({ path })).shape).toEqual([1, 4, 5])
  })

  it('takes the labels from another file', async () => {
    const path = folder.write('only-x.npz', writeNpz({ x: images }))
    const file = folder.write('other-labels.npy', encodeNpy(labels))
    expect([...(await loadDataset({ path, labels: file })).labels]).toEqual([2, 0, 1])
  })
})

describe('npy', () => {
  it('finds y.npy beside x.npy', async () => {
    const path = folder.write('x.npy', encodeNpy(images))
    folder.write('y.npy', encodeNpy(labels))
    const set = await loadDataset({ path })
    expect(set).toMatchObject({ format: 'npy', count: 3, shape: [1, 4, 5] })
    expect([...set.labels]).toEqual([2, 0, 1])
  })
})

describe('idx', () => {
  const pictures = idxBytes(8, images.shape, images.data)
  const marks = idxBytes(8, [3], new Uint8Array([2, 0, 1]))

  it.each([
    {
      name: 't10k-images-idx3-ubyte',
      label: 't10k-labels-idx1-ubyte',
      pack: false,
      packLabels: false,
    },
    {
      name: 'train-images-idx3-ubyte.gz',
      label: 'train-labels-idx1-ubyte.gz',
      pack: true,
      packLabels: true,
    },
    { name: 'a-images.idx3-ubyte', label: 'a-labels.idx1-ubyte.gz', pack: false, packLabels: true },
    { name: 'b-images-idx3-ubyte.gz', label: 'b-labels-idx1-ubyte', pack: true, packLabels: false },
  ])('reads $name and finds $label', async ({ name, label, pack, packLabels }) => {
    const path = folder.write(name, pack ? gzipSync(pictures) : pictures)
    folder.write(label, packLabels ? gzipSync(marks) : marks)
    const set = await loadDataset({ path })
    expect(set).toMatchObject({ format: 'idx', count: 3, shape: [1, 4, 5], divisor: 255 })
    expect([...set.values]).toEqual([...images.data])
    expect([...set.labels]).toEqual([2, 0, 1])
  })

  it('reads big-endian floats', async () => {
    const body = Buffer.alloc(16)
    ;[0.5, 0.25, 1, 0].forEach((value, i) => body.writeFloatBE(value, 4 * i))
    const path = folder.write('floats.idx', idxBytes(0x0d, [2, 2], body))
    const file = folder.write('floats-labels.idx', idxBytes(8, [2], new Uint8Array([0, 1])))
    const set = await loadDataset({ path, labels: file })
    expect([...set.values]).toEqual([0.5, 0.25, 1, 0])
    expect(set.shape).toEqual([2])
  })
})

describe('cifar binary', () => {
  it('reads a file', async () => {
    const path = folder.write('one.bin', Buffer.concat([record(7), record(3)]))
    const set = await loadDataset({ path })
    expect(set).toMatchObject({
      format: 'cifar10-binary',
      count: 2,
      shape: [3, 32, 32],
      classes: 10,
    })
    expect([...set.labels]).toEqual([7, 3])
    expect([...set.values.subarray(3072)]).toEqual([...ramp(3072)])
  })

  it('prefers the test set of a folder and reads its class names', async () => {
    const path = make('cifar-10')
    folder.write('cifar-10/test_batch.bin', record(9))
    folder.write('cifar-10/data_batch_1.bin', record(1))
    const names = Array.from({ length: 10 }, (_, i) => `class-${i}`)
    folder.write('cifar-10/batches.meta.txt', `${names.join('\n')}\n\n`)
    const set = await loadDataset({ path })
    expect([...set.labels]).toEqual([9])
    expect(set.classNames).toEqual(names)
  })

  it('joins the training batches in order', async () => {
    const path = make('cifar-train')
    folder.write('cifar-train/data_batch_2.bin', record(2))
    folder.write('cifar-train/data_batch_1.bin', record(1))
    expect([...(await loadDataset({ path })).labels]).toEqual([1, 2])
  })

  it('reads the fine labels of CIFAR-100', async () => {
    const path = make('cifar-100')
    folder.write('cifar-100/test.bin', record(19, 99))
    const set = await loadDataset({ path })
    expect(set).toMatchObject({ format: 'cifar100-binary', classes: 100 })
    expect([...set.labels]).toEqual([99])
  })
})

describe('image folder', () => {
  it('turns RGB pictures channels first, alternating between the classes', async () => {
    const path = make('rgb/dog', 'rgb/cat', 'rgb/.hidden')
    await save('rgb/cat/1.png', 3, ramp(36))
    await save(
      'rgb/cat/2.webp',
      3,
      ramp(36).map((v) => v + 1),
      'webp',
    )
    await save(
      'rgb/dog/1.png',
      3,
      ramp(36).map((v) => v + 2),
    )
    folder.write('rgb/dog/notes.txt', 'not a picture')
    const set = await loadDataset({ path })
    expect(set).toMatchObject({ format: 'image-folder', count: 3, shape: [3, 3, 4], divisor: 255 })
    expect(set.classNames).toEqual(['cat', 'dog'])
    expect([...set.labels]).toEqual([0, 1, 0])
    const green = Array.from({ length: 12 }, (_, point) => 3 * point + 1)
    expect([...set.values.subarray(12, 24)]).toEqual(green)
    expect([...set.values.subarray(72 + 12, 72 + 24)]).toEqual(green.map((v) => v + 1))
    expect([...(await loadDataset({ path, limit: 2 })).labels]).toEqual([0, 1])
  })

  it('keeps gray pictures at one channel', async () => {
    const path = make('gray/a')
    await save('gray/a/1.png', 1, ramp(12))
    const set = await loadDataset({ path })
    expect(set.shape).toEqual([1, 3, 4])
    expect([...set.values]).toEqual([...ramp(12)])
  })

  it('drops transparency', async () => {
    const path = make('rgba/a')
    await save(
      'rgba/a/1.png',
      4,
      ramp(48).map((v, i) => (i % 4 === 3 ? 255 : v)),
    )
    const set = await loadDataset({ path })
    expect(set.shape).toEqual([3, 3, 4])
    expect([...set.values.subarray(0, 3)]).toEqual([0, 4, 8])
  })
})

describe('csv', () => {
  it.each([
    { label: 'label', head: 'a,LABEL,b', rows: ['1,0,2.5', '-3,1,4'] },
    { label: 'target', head: 'a,target,b', rows: ['1,0,2.5', '-3,1,4'] },
    { label: 'the last', head: 'a,b,kind', rows: ['1,2.5,0', '-3,4,1'] },
    { label: 'semicolons', head: 'y;a;b', rows: ['0;1;2.5', '1;-3;4'] },
  ])('takes the column of the labels: $label', async ({ label, head, rows }) => {
    const path = folder.write(`${label}.csv`, `\uFEFF${head}\r\n${rows.join('\r\n')}\r\n`)
    const set = await loadDataset({ path })
    expect(set).toMatchObject({ format: 'csv', shape: [2], range: [-3, 4], divisor: 1, classes: 2 })
    expect([...set.values]).toEqual([1, 2.5, -3, 4])
    expect([...set.labels]).toEqual([0, 1])
  })

  it('numbers class names in sorted order', async () => {
    const path = folder.write('names.csv', 'a,class\n1,rose\n2,daisy\n3,rose\n')
    const set = await loadDataset({ path })
    expect([...set.labels]).toEqual([1, 0, 1])
    expect(set.classNames).toEqual(['daisy', 'rose'])
  })

  it('has one range, whatever the limit', async () => {
    const path = folder.write('limit.csv', 'a,y\n1,0\n2,1\n30,1\n')
    expect(await loadDataset({ path, limit: 2 })).toMatchObject({ count: 2, range: [1, 30] })
  })
})
