import { rmSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, describe, expect, it } from 'vitest'
import { Falsifier, type FalsifyResult } from '../../../src/falsify/falsify.js'
import { loadProperty } from '../../../src/property/load.js'
import { areAllTrue } from '../../../src/property/margin.js'
import { regionsOf } from '../../../src/property/regions.js'
import {
  falsifiable,
  propertyFolder,
  propertyText,
  unfalsifiable,
  writePair,
} from '../../helpers/falsify.js'

const folder = propertyFolder()
const falsifier = new Falsifier()
afterAll(async () => {
  await falsifier.close()
  rmSync(folder, { recursive: true, force: true })
})

const slug = (name: string): string => name.replace(/\W+/g, '-')

describe('a counterexample is found', () => {
  for (const [name, known] of Object.entries(falsifiable))
    it(name, async () => {
      const paths = writePair(folder, slug(name), known)
      const found = await falsifier.run({ ...paths, timeoutMs: 20_000, seed: 1 })
      expect(found.result).toBe('sat')
      await expectWitness(paths, found)
    })
})

describe('none is found where there is none', () => {
  for (const [name, known] of Object.entries(unfalsifiable))
    it(name, async () => {
      const paths = writePair(folder, slug(name), known)
      const found = await falsifier.run({ ...paths, timeoutMs: 700, seed: 1 })
      expect(found).toMatchObject({ result: 'unknown', witness: null })
      expect(found.seconds).toBeLessThan(5)
    })
})

describe('what is found', () => {
  const hill = falsifiable['on a small hill in three dimensions']!

  it('depends on the seed alone, and not on what was falsified before', async () => {
    const paths = writePair(folder, 'seeds', hill)
    const of = async (seed: number): Promise<string> => {
      const { witness } = await falsifier.run({ ...paths, timeoutMs: 20_000, seed })
      return witness!.x.join()
    }
    const first = await of(1)
    expect(await of(2)).not.toBe(first)
    expect(await of(1)).toBe(first)
  })

  it('comes with notes: no gradient, disjuncts left out, an empty box', async () => {
    expect(await notesOf('many inputs and no gradient rule')).toMatch(/points are drawn only.*Det/)
    expect(await notesOf('an empty box')).toMatch(/true of no point/)
    const choices = Array.from({ length: 20 }, () => '(or (<= Y_0 -1) (<= Y_1 -1))')
    const property = propertyText(
      [
        [0, 1],
        [0, 1],
      ],
      2,
      ...choices,
    )
    const { graph } = falsifiable['at the centre']!
    expect(await notesOf('choices', { graph, property })).toMatch(/only the first 4096 disjuncts/)
  })
})

describe('refused', () => {
  const { graph } = falsifiable['at the centre']!
  const property = propertyText(
    [
      [0, 1],
      [0, 1],
    ],
    2,
    '(<= Y_0 0)',
  )
  const run = async (name: string, known: { graph: typeof graph; property: string }) => {
    const paths = writePair(folder, name, known)
    return await falsifier.run({ ...paths, timeoutMs: 300, seed: 1 })
  }

  it('a property of another network', async () => {
    const three = propertyText(
      [
        [0, 1],
        [0, 1],
        [0, 1],
      ],
      2,
      '(<= Y_0 0)',
    )
    await expect(run('three', { graph, property: three })).rejects.toThrow(
      /not one of this network .*three\.vnnlib.*got 3 inputs.*expected 2/,
    )
    const one = propertyText(
      [
        [0, 1],
        [0, 1],
      ],
      1,
      '(<= Y_0 0)',
    )
    await expect(run('one', { graph, property: one })).rejects.toThrow(/got 1 outputs.*expected 2/)
  })

  it('networks of several inputs, of other types, of a fixed batch', async () => {
    const [input] = graph.inputs
    const two = { ...graph, inputs: [input!, { ...input!, name: 'z' }] }
    await expect(run('two', { graph: two, property })).rejects.toThrow(/one input.*got x, z/)
    const double = { ...graph, inputs: [{ ...input!, dtype: 'float64' as const }] }
    await expect(run('double', { graph: double, property })).rejects.toThrow(/got x of float64/)
    const batch = { ...graph, inputs: [{ ...input!, dims: [4, 2] }] }
    await expect(run('batch', { graph: batch, property })).rejects.toThrow(/got shape \[4, 2\]/)
  })

  it('cancelled: no answer', async () => {
    const cancelled = new Falsifier(() => true)
    const paths = writePair(folder, 'cancelled', unfalsifiable['relu is not below 0']!)
    await expect(cancelled.run({ ...paths, timeoutMs: 9000, seed: 1 })).rejects.toMatchObject({
      code: 'GNT_INTERRUPTED',
    })
    await cancelled.close()
  })
})

async function notesOf(name: string, known = unfalsifiable[name]!): Promise<string> {
  const paths = writePair(folder, slug(name), known)
  return (await falsifier.run({ ...paths, timeoutMs: 300, seed: 1 })).notes.join()
}

/** By ONNX Runtime alone, on the file. */
async function expectWitness(
  paths: { model: string; property: string },
  { witness }: FalsifyResult,
): Promise<void> {
  const session = await InferenceSession.create(paths.model)
  try {
    const [input] = session.inputMetadata
    if (!input?.isTensor) throw new Error('no tensor')
    const dims = input.shape.map((size) => (typeof size === 'number' ? size : 1))
    const results = await session.run({ [input.name]: new Tensor('float32', witness!.x, dims) })
    const y = results[session.outputNames[0]!]!.data as Float32Array
    const { regions } = regionsOf(await loadProperty(paths.property), paths.property)
    const rows = { x: witness!.x, y, xFrom: 0, yFrom: 0 }
    const holds = regions.filter(({ box }) =>
      witness!.x.every((value, i) => value >= box.lower[i]! && value <= box.upper[i]!),
    )
    expect(holds.some((region) => areAllTrue(region, rows))).toBe(true)
    expect([...witness!.y]).toEqual([...y])
  } finally {
    await session.release()
  }
}
