import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInDetectors } from '../../../../src/audit/data/index.js'
import { keepFeatures } from '../../../../src/audit/data/lib/features.js'
import { DetectorRegistry, runDetector } from '../../../../src/audit/data/registry.js'
import { openSource } from '../../../../src/audit/data/source.js'
import { encodeNpy, writeNpz } from '../../../../src/data/npz-write.js'
import type { DatasetSpec } from '../../../../src/data/dataset.js'
import { createRng } from '../../../../src/util/rng.js'
import { plant } from './planted.js'

let folder: string
const count = 2500
const shape = [count, 1, 4, 4]
const rng = createRng('stored')
const pixels = Uint8Array.from({ length: count * 16 }, () => rng.below(256))
const labels = Int32Array.from({ length: count }, () => rng.below(10))
const file = (name: string): string => join(folder, name)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gauntlet-stream-'))
  const x = { shape, data: pixels }
  const y = { shape: [count], data: labels }
  writeFileSync(file('deflated.npz'), writeNpz({ x, y }))
  const members = { 'x.npy': encodeNpy(x), 'y.npy': encodeNpy(y) }
  writeFileSync(file('stored.npz'), zipSync(members, { level: 0 }))
  const floats = { shape, data: Float32Array.from(pixels, (value) => value / 255) }
  writeFileSync(file('x.npy'), encodeNpy(floats))
  writeFileSync(file('y.npy'), encodeNpy(y))
  writeFileSync(file('train-images-idx3-ubyte.gz'), gzipSync(idx([count, 4, 4], pixels)))
  writeFileSync(file('train-images-idx3-ubyte'), idx([count, 4, 4], pixels))
  writeFileSync(file('train-labels-idx1-ubyte'), idx([count], Uint8Array.from(labels)))
  const record = new Uint8Array(3073 * 300).map((_, i) =>
    i % 3073 === 0 ? (i / 3073) % 10 : i % 251,
  )
  writeFileSync(file('data_batch_1.bin'), record)
  writeFileSync(file('short.npy'), encodeNpy(floats).subarray(0, 20_000))
  writeFileSync(
    file('far.npy'),
    encodeNpy({ ...floats, data: floats.data.map((v, i) => (i === 17_000 ? 9 : v)) }),
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function idx(sizes: readonly number[], data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4 + 4 * sizes.length)
  head.writeUInt8(8, 2)
  head.writeUInt8(sizes.length, 3)
  sizes.forEach((size, i) => head.writeUInt32BE(size, 4 + 4 * i))
  return Buffer.concat([head, data])
}

async function all(spec: DatasetSpec, memoryBytes?: number) {
  const opened = await openSource(spec, memoryBytes)
  const { source } = opened
  const x: number[] = []
  const y: number[] = []
  for await (const batch of source.batches()) {
    expect(batch.from).toBe(y.length)
    for (const value of batch.x) x.push(value)
    y.push(...batch.labels)
  }
  const { count: samples, range, classes, classCounts } = source
  return { x, y, samples, range, classes, classCounts, shape: source.shape, opened }
}

describe('a data set read in parts', () => {
  it.each([
    ['deflated.npz', {}],
    ['stored.npz', {}],
    ['x.npy', { labels: 'y.npy' }],
    ['x.npy', { limit: 1111, labels: 'y.npy' }],
    ['train-images-idx3-ubyte', {}],
    ['train-images-idx3-ubyte.gz', {}],
    ['data_batch_1.bin', {}],
  ])('%s %o is the one in memory', async (name, more: Partial<DatasetSpec>) => {
    const own = more.labels === undefined ? {} : { labels: file(more.labels) }
    const spec = { path: file(name), ...more, ...own }
    const [parts, whole] = [await all(spec, 0), await all(spec)]
    expect(parts.opened.isStreamed).toBe(true)
    expect(whole.opened.isStreamed).toBe(false)
    expect({ ...parts, opened: 0 }).toEqual({ ...whole, opened: 0 })
  })

  it('says where a file ends too soon', async () => {
    const spec = { path: file('short.npy'), labels: file('y.npy') }
    await expect(openSource(spec, 0)).rejects.toMatchObject({
      code: 'GNT_DATA_FORMAT',
      message: expect.stringMatching(/truncated .*short\.npy.*: got \d+ samples, expected 2500/),
    })
  })

  it('says which value is outside the range', async () => {
    const spec = { path: file('far.npy'), labels: file('y.npy') }
    await expect(openSource(spec, 0)).rejects.toMatchObject({
      code: 'GNT_DATA_VALUES',
      message: expect.stringMatching(/sample 1062\): got 9 /),
    })
  })
})

describe('features in a temporary file', () => {
  it('give the same suspects as in memory', async () => {
    const registry = new DetectorRegistry(builtInDetectors)
    const { context } = plant({ seed: 7, poison: 0.2 })
    for (const id of ['spectral-signatures', 'activation-clustering']) {
      const plain = await runDetector(registry.choose(id), context)
      const release = await keepFeatures(context, 0)
      const spilled = await runDetector(registry.choose(id), context)
      await release()
      expect([...spilled.scores]).toEqual([...plain.scores])
      expect(plain.suspects.length).toBeGreaterThan(0)
    }
  })
})
