import { describe, expect, it } from 'vitest'
import { takeSamples } from '../../../src/data/dataset.js'
import { loadDataset } from '../../../src/data/load.js'
import type { NpyArray } from '../../../src/data/npz-write.js'
import { writeNpz } from '../../../src/data/npz-write.js'
import type { DatasetSpec } from '../../../src/data/dataset.js'
import { ramp, tempFolder } from './build.js'

const folder = tempFolder()
let files = 0

function load(x: NpyArray, spec: Partial<DatasetSpec> = {}, y?: NpyArray) {
  const count = x.shape[0] ?? 0
  const labels = y ?? { shape: [count], data: new Int32Array(count).map((_, i) => i % 3) }
  const path = folder.write(`${files++}.npz`, writeNpz({ x, y: labels }))
  return loadDataset({ path, ...spec })
}

const floats = (...values: number[]): NpyArray => ({
  shape: [values.length, 1],
  data: new Float32Array(values),
})
const bytes = (...values: number[]): NpyArray => ({
  shape: [values.length, 1],
  data: new Uint8Array(values),
})

describe('range', () => {
  it.each([
    {
      label: 'uint8 is 8-bit pixels',
      x: bytes(0, 7, 255),
      divisor: 255,
      range: [0, 1],
      type: Uint8Array,
    },
    {
      label: 'also where it stays small',
      x: bytes(0, 7, 16),
      divisor: 255,
      range: [0, 1],
      type: Uint8Array,
    },
    {
      label: 'a declared range is taken as is',
      x: bytes(0, 7, 16),
      declared: [0, 16],
      divisor: 1,
      range: [0, 16],
      type: Uint8Array,
    },
    {
      label: 'floats are 0..1',
      x: floats(0, 0.25, 1),
      divisor: 1,
      range: [0, 1],
      type: Float32Array,
    },
    {
      label: 'whole floats on 0..255 are pixels',
      x: floats(0, 7, 255),
      declared: [0, 255],
      divisor: 255,
      range: [0, 1],
      type: Uint8Array,
    },
    {
      label: 'other floats on 0..255 are divided',
      x: floats(0, 7.5, 255),
      declared: [0, 255],
      divisor: 255,
      range: [0, 1],
      type: Float32Array,
    },
    {
      label: 'any other range',
      x: floats(-2, 0.5, 3),
      declared: [-2.5, 3],
      divisor: 1,
      range: [-2.5, 3],
      type: Float32Array,
    },
  ])('$label', async ({ x, declared, divisor, range, type }) => {
    const set = await load(x, declared ? { range: [declared[0] ?? 0, declared[1] ?? 0] } : {})
    expect(set).toMatchObject({ divisor, range })
    expect(set.values).toBeInstanceOf(type)
    expect([...set.values]).toEqual([...x.data])
    const samples = takeSamples(set, [0, 1, 2])
    expect([...samples]).toEqual([...x.data].map((value) => Math.fround(Number(value) / divisor)))
  })

  it('clips float rounding, and only that, to the inside of the range', async () => {
    const set = await load(floats(-1e-8, 0.5, 1.0000001))
    expect([...set.values]).toEqual([0, 0.5, 1])
    // 0.3 has no float32; the nearest is above it, so the greatest allowed value is the one below.
    const narrow = await load(floats(0, 0.15, 0.3), { range: [0, 0.3] })
    expect(narrow.values[2]).toBeLessThanOrEqual(0.3)
    expect(narrow.values[2]).toBeCloseTo(0.3, 6)
  })
})

describe('layout', () => {
  const shapes: readonly {
    stored: number[]
    layout?: 'nchw' | 'nhwc'
    shape: number[]
    isTurned: boolean
  }[] = [
    { stored: [2, 6], shape: [6], isTurned: false },
    { stored: [2, 5, 7], shape: [1, 5, 7], isTurned: false },
    { stored: [2, 3, 8, 8], shape: [3, 8, 8], isTurned: false },
    { stored: [2, 8, 6, 3], shape: [3, 8, 6], isTurned: true },
    { stored: [2, 8, 6, 1], shape: [1, 8, 6], isTurned: false },
    { stored: [2, 1, 3, 3], shape: [1, 3, 3], isTurned: false },
    { stored: [2, 4, 4, 3], shape: [3, 4, 4], isTurned: true },
    { stored: [2, 16, 8, 8], shape: [16, 8, 8], isTurned: false },
    { stored: [2, 8, 8, 16], shape: [16, 8, 8], isTurned: true },
    { stored: [2, 3, 8, 3], layout: 'nhwc', shape: [3, 3, 8], isTurned: true },
    { stored: [2, 3, 8, 3], layout: 'nchw', shape: [3, 8, 3], isTurned: false },
    { stored: [2, 3, 8, 8], layout: 'nhwc', shape: [8, 3, 8], isTurned: true },
  ]
  it.each(shapes)(
    '$stored as $layout becomes $shape',
    async ({ stored, layout, shape, isTurned }) => {
      const data = ramp(stored.reduce((a, b) => a * b, 1))
      const set = await load({ shape: stored, data }, { layout })
      expect(set.shape).toEqual(shape)
      const [channels = 1, height = 1, width = 1] = shape
      const expected = isTurned
        ? [0, 1].flatMap((n) =>
            Array.from({ length: channels * height * width }, (_, i) => {
              const [c, point] = [Math.floor(i / (height * width)), i % (height * width)]
              return data[(n * height * width + point) * channels + c]
            }),
          )
        : [...data]
      expect([...set.values]).toEqual(expected)
    },
  )
})

describe('labels', () => {
  const x = bytes(10, 20, 30)
  it.each<{ label: string; y: NpyArray; labels: number[]; classes: number }>([
    {
      label: 'int64',
      y: { shape: [3], data: new Int32Array([4, 0, 1]) },
      labels: [4, 0, 1],
      classes: 5,
    },
    {
      label: 'a column',
      y: { shape: [3, 1], data: new Uint8Array([1, 0, 1]) },
      labels: [1, 0, 1],
      classes: 2,
    },
    {
      label: 'whole floats',
      y: { shape: [3], data: new Float32Array([1, 0, 2]) },
      labels: [1, 0, 2],
      classes: 3,
    },
    {
      label: 'one-hot',
      y: { shape: [3, 4], data: new Float32Array([0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0]) },
      labels: [1, 0, 2],
      classes: 4,
    },
  ])('reads $label', async ({ y, labels, classes }) => {
    const set = await load(x, {}, y)
    expect([...set.labels]).toEqual(labels)
    expect(set.classes).toBe(classes)
  })

  it('has as many classes as declared', async () => {
    expect((await load(x, { classes: 7 })).classes).toBe(7)
  })
})

describe('limit, memory and digest', () => {
  it('takes the first samples', async () => {
    const set = await load({ shape: [4, 2], data: ramp(8) }, { limit: 3 })
    expect([...set.values]).toEqual([0, 1, 2, 3, 4, 5])
    expect([...set.labels]).toEqual([0, 1, 2])
    expect(set.count).toBe(3)
    expect((await load({ shape: [4, 2], data: ramp(8) }, { limit: 99 })).count).toBe(4)
  })

  it('ignores bad values beyond the limit', async () => {
    expect((await load(floats(0, 1, Number.NaN), { limit: 2 })).count).toBe(2)
  })

  it('is in shared memory', async () => {
    expect((await load(bytes(1, 2))).values.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect((await load(floats(0.1, 0.2))).values.buffer).toBeInstanceOf(SharedArrayBuffer)
  })

  it('has the same digest however the samples are stored, and another for other samples', async () => {
    const shape = [2, 2, 2, 3]
    const stored = ramp(24)
    const plain = await load({ shape, data: stored })
    const asFloats = await load({ shape, data: Float32Array.from(stored) }, { range: [0, 255] })
    const turned = await load({ shape: [2, 3, 2, 2], data: Uint8Array.from(plain.values) })
    expect(plain.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(asFloats.digest).toBe(plain.digest)
    expect(turned.digest).toBe(plain.digest)
    const changed = [
      await load({ shape, data: stored.map((v, i) => (i === 23 ? v + 1 : v)) }),
      await load({ shape, data: stored }, { range: [0, 100] }),
      await load({ shape, data: stored }, { limit: 1 }),
      await load({ shape, data: stored }, {}, { shape: [2], data: new Int32Array([0, 2]) }),
      await load({ shape: [2, 12], data: stored }),
    ]
    expect(new Set([plain, ...changed].map(({ digest }) => digest)).size).toBe(6)
  })
})
