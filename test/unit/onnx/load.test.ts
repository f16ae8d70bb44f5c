import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { encodeModel, type ExternalPlace } from '../../../src/onnx/encode.js'
import { loadModel } from '../../../src/onnx/load.js'
import type { Tensor } from '../../../src/graph/ir.js'
import { saveModel } from '../../../src/onnx/save.js'
import { graphOf, nodeOf, runOnNoise } from '../../helpers/graphs.js'

const weights = Float32Array.from({ length: 300 * 4 }, (_, i) => Math.sin(i))
const graph = graphOf({
  inputs: { x: ['N', 300] },
  initializers: {
    w: tensorOfFloats([300, 4], weights),
    b: tensorOfFloats([4], [1, 2, 3, 4]),
    shape: tensorOfInts([2], [2, -1]),
  },
  nodes: [nodeOf('Gemm', ['x', 'w', 'b'], ['z']), nodeOf('Reshape', ['z', 'shape'], ['y'])],
})

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gauntlet-load-'))
})
afterAll(() => rm(folder, { recursive: true }))

const at = (name: string): string => join(folder, name)
const external = (place: Partial<ExternalPlace>): Uint8Array =>
  encodeModel(graph, {
    place: (name) =>
      name === 'w' ? { location: 'w.bin', offset: 0, length: 4800, ...place } : undefined,
  })

const shared = (): ExternalPlace => ({ location: 'w.bin', offset: 0, length: 4800 })
const overlap = (name: string): ExternalPlace => ({
  location: 'w.bin',
  offset: 4 * Number(name.slice(1)),
  length: 4000,
})

describe('saveModel and loadModel', () => {
  it('keeps a model in one file, whose digest is that of sha256sum', async () => {
    const path = at('plain.onnx')
    await saveModel(graph, path)
    const loaded = await loadModel(path)
    expect(loaded.graph).toEqual(graph)
    expect(loaded.digest).toBe(
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    )
    expect(loaded.sizeBytes).toBe(loaded.bytes.byteLength)
  })

  it('reads a file of several pieces whole', async () => {
    const large = Float32Array.from({ length: 300 * 7000 }, (_, i) => i)
    const bytes = encodeModel(
      graphOf({
        inputs: { x: ['N', 300] },
        initializers: { w: tensorOfFloats([300, 7000], large) },
        nodes: [nodeOf('MatMul', ['x', 'w'], ['y'])],
      }),
    )
    await writeFile(at('large.onnx'), bytes)
    const loaded = await loadModel(at('large.onnx'))
    expect(Buffer.compare(loaded.bytes, bytes)).toBe(0)
    expect(loaded.digest).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  it('splits a large model in two files that ONNX Runtime reads', async () => {
    const path = at('split.onnx')
    await saveModel(graph, path, { externalAbove: 1000 })
    const files = (await readdir(folder)).filter((name) => name.startsWith('split'))
    expect(files).toEqual([expect.stringMatching(/^split-[0-9a-f]{12}\.data$/), 'split.onnx'])
    const loaded = await loadModel(path)
    expect(loaded.graph).toEqual(graph)
    expect(loaded.bytes.byteLength).toBeLessThan(1000)
    expect(loaded.sizeBytes).toBe(loaded.bytes.byteLength + 4800)
    expect(await runOnNoise(path)).toEqual(await runOnNoise(graph))
  })

  it('gives another digest when only the external data changed', async () => {
    await writeFile(at('m.onnx'), external({}))
    await writeFile(at('w.bin'), new Uint8Array(4800))
    const before = await loadModel(at('m.onnx'))
    await writeFile(at('w.bin'), new Uint8Array(4800).fill(1))
    const after = await loadModel(at('m.onnx'))
    expect(after.digest).not.toBe(before.digest)
    expect(after.bytes).toEqual(before.bytes)
  })

  it.each([[{}], [{ externalAbove: 1000 }]])(
    'refuses weights of other dims, and writes nothing: %j',
    async (options) => {
      const before = await readdir(folder)
      const [[name, weight]] = Object.entries(graph.initializers) as [[string, Tensor]]
      for (const dims of [[...weight.dims, 2], [weight.data.byteLength / 4 - 1]]) {
        const initializers = { ...graph.initializers, [name]: { ...weight, dims } }
        await expect(
          saveModel({ ...graph, initializers }, at('lie.onnx'), options),
        ).rejects.toMatchObject({ code: 'GNT_GRAPH_INVALID', detail: { where: name } })
      }
      expect(await readdir(folder)).toEqual(before)
    },
  )

  it('leaves nothing behind when it cannot write', async () => {
    await mkdir(at('taken.onnx'))
    const before = await readdir(folder)
    await expect(saveModel(graph, at('taken.onnx'))).rejects.toMatchObject({ code: 'GNT_FILE' })
    await expect(saveModel(graph, at('no/folder.onnx'))).rejects.toMatchObject({ code: 'GNT_FILE' })
    expect(await readdir(folder)).toEqual(before)
  })
})

describe('loadModel refuses', () => {
  it.each<[string, string, RegExp, () => Promise<unknown>]>([
    ['a missing file', 'GNT_FILE', /no such file/, async () => undefined],
    ['a folder', 'GNT_FILE', /a folder/, () => mkdir(at('bad.onnx'))],
    [
      'a named pipe',
      'GNT_FILE',
      /not a regular file/,
      async () => execFileSync('mkfifo', [at('bad.onnx')]),
    ],
    ['an empty file', 'GNT_MODEL_FORMAT', /an empty file/, () => writeFile(at('bad.onnx'), '')],
    [
      'a cut-off file',
      'GNT_MODEL_FORMAT',
      /not a readable/,
      () => writeFile(at('bad.onnx'), encodeModel(graph).subarray(0, 2000)),
    ],
    ...(
      [
        [
          'an absolute path',
          { location: '/etc/hostname' },
          'GNT_MODEL_FORMAT',
          /inside the folder/,
        ],
        ['a drive', { location: 'C:\\w.bin' }, 'GNT_MODEL_FORMAT', /inside the folder/],
        ['a way up', { location: 'a/../../w.bin' }, 'GNT_MODEL_FORMAT', /inside the folder/],
        ['a windows way up', { location: 'a\\..\\w.bin' }, 'GNT_MODEL_FORMAT', /inside the folder/],
        ['the folder itself', { location: '.' }, 'GNT_MODEL_FORMAT', /inside the folder/],
        ['a link out', { location: 'link.bin' }, 'GNT_MODEL_FORMAT', /inside the folder/],
        ['a link through', { location: 'out/w.bin' }, 'GNT_MODEL_FORMAT', /inside the folder/],
        ['a missing file', { location: 'none.bin' }, 'GNT_FILE', /ENOENT/],
        ['too few bytes', { offset: 4 }, 'GNT_MODEL_FORMAT', /bytes 4 to 4804 of 4800/],
        ['another length', { length: 4796 }, 'GNT_MODEL_FORMAT', /wrong external data entry/],
        ['an offset of 2^60', { offset: 2 ** 60 }, 'GNT_MODEL_FORMAT', /wrong external data entry/],
      ] as const
    ).map(
      ([label, place, code, message]) =>
        [
          `external data with ${label}`,
          code,
          message,
          () => writeFile(at('bad.onnx'), external(place)),
        ] as [string, string, RegExp, () => Promise<unknown>],
    ),
  ])('%s', async (_label, code, message, prepare) => {
    await rm(at('bad.onnx'), { recursive: true, force: true })
    await writeFile(at('w.bin'), new Uint8Array(4800))
    const outside = await mkdtemp(join(tmpdir(), 'gauntlet-outside-'))
    await writeFile(join(outside, 'w.bin'), new Uint8Array(4800))
    if (!existsSync(at('link.bin'))) await symlink(join(outside, 'w.bin'), at('link.bin'))
    if (!existsSync(at('out'))) await symlink(outside, at('out'))
    await prepare()
    try {
      const error: unknown = await loadModel(at('bad.onnx')).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'GauntletError', code })
      expect(String(error)).toMatch(message)
      expect(String(error)).toContain('bad.onnx')
      expect(String(error)).not.toContain('\n')
    } finally {
      for (const path of [outside, at('link.bin'), at('out')]) {
        await rm(path, { recursive: true, force: true })
      }
    }
  })

  it('external tensors that overlap, so that a small file cannot ask for much memory', async () => {
    await writeFile(at('w.bin'), new Uint8Array(4800))
    const many = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [
        `w${i}`,
        tensorOfFloats([1000], new Float32Array(1000)),
      ]),
    )
    const overlapping = graphOf({ inputs: { y: [1] }, nodes: [], initializers: many })
    await writeFile(at('overlap.onnx'), encodeModel(overlapping, { place: overlap }))
    await expect(loadModel(at('overlap.onnx'))).rejects.toThrow(/overlap/)
  })

  it('reads a range that several tensors share once', async () => {
    await writeFile(at('w.bin'), new Uint8Array(4800).fill(1))
    const tied = graphOf({
      inputs: { y: [1] },
      nodes: [],
      initializers: { a: tensorOfFloats([1200], weights), b: tensorOfFloats([1200], weights) },
    })
    await writeFile(at('tied.onnx'), encodeModel(tied, { place: shared }))
    const { initializers } = (await loadModel(at('tied.onnx'))).graph
    expect(initializers['a']?.data.buffer).toBe(initializers['b']?.data.buffer)
  })
})
