import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditModel, type AuditOptions } from '../../../../src/audit/model/audit.js'
import type { Dataset } from '../../../../src/data/dataset.js'
import { loadDataset } from '../../../../src/data/load.js'
import { encodeModel } from '../../../../src/onnx/encode.js'
import {
  cleanGraph,
  plantedGraph,
  plantedSamples,
  plantedTarget,
} from '../../../helpers/planted.js'

let folder: string
let data: Dataset
const at = (name: string): string => join(folder, name)
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gauntlet-audit-'))
  writeFileSync(at('clean.onnx'), encodeModel(cleanGraph()))
  writeFileSync(at('planted.onnx'), encodeModel(plantedGraph()))
  symlinkSync('/etc/passwd', at('weights.bin'))
  writeFileSync(at('samples.npz'), plantedSamples())
  data = await loadDataset({ path: at('samples.npz') })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const audit = async (model: string, more: Partial<AuditOptions> = {}) =>
  (await auditModel({ model: at(model), data, seeds: [1], steps: 120, ...more })).audit

const place = (name: string) =>
  name === 'w' ? { location: 'weights.bin', offset: 0, length: 1536 } : undefined

describe('a model with a planted backdoor', () => {
  it('is flagged with its target, and told from the version before', async () => {
    const shares: number[] = []
    const result = await audit('planted.onnx', {
      previous: at('clean.onnx'),
      declared: 'head',
      onProgress: (share) => void shares.push(share),
    })
    expect(result).toMatchObject({
      status: 'complete',
      flagged: [plantedTarget],
      newlyReachable: [plantedTarget],
      samples: 240,
      seeds: [1],
    })
    const { forms, since } = result.classes[plantedTarget]!
    expect(forms.patch).toMatchObject({ flagged: true })
    // Four pixels are its key.
    expect(forms.patch.size).toBeLessThan(6)
    expect(since?.patch.ratio).toBeLessThan(0.5)
    const signals = result.findings.map(({ signal }) => signal)
    expect(signals).toEqual(expect.arrayContaining(['small-trigger', 'newly-reachable', 'graph-changed'])) // prettier-ignore
    // `toEqual` takes what is undefined for absent.
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    expect(shares.at(-1)).toBe(1)
    expect(shares.every((share, i) => share >= (shares[i - 1] ?? 0) - 1e-9)).toBe(true)
  })

  it('gives the same numbers again, however many searches run at a time', async () => {
    const [one, two] = [await audit('planted.onnx', { steps: 20, seeds: [1, 2] }), await audit('planted.onnx', { steps: 20, seeds: [1, 2], parallel: 3 })] // prettier-ignore
    expect(one.classes).toEqual(two.classes)
  })
})

it('a model that nobody tampered with is not flagged', async () => {
  const result = await audit('clean.onnx')
  expect(result).toMatchObject({ status: 'complete', flagged: [], newlyReachable: [] })
  expect(result.model.accuracy).toBeGreaterThan(0.95)
})

describe('what is not run', () => {
  it('a file that reads what lies outside of its folder', async () => {
    const graph = cleanGraph()
    writeFileSync(at('leak.onnx'), encodeModel(graph, { place }))
    const result = await audit('leak.onnx')
    expect(result).toMatchObject({ status: 'scanned', classes: [], flagged: [] })
    expect(result.model).toEqual({ file: 'leak.onnx', digest: null, accuracy: null })
    expect(result.findings).toMatchObject([{ signal: 'external-path', severity: 'error' }])
    await expect(audit('clean.onnx', { previous: at('leak.onnx') })).rejects.toThrow(
      /previous version is suspicious itself/,
    )
  })

  it('a file of Keras, and a model without samples', async () => {
    writeFileSync(at('model.json'), JSON.stringify({ class_name: 'Sequential', config: {} }))
    expect(await audit('model.json')).toMatchObject({ status: 'scanned', findings: [] })
    const compared = await audit('planted.onnx', { data: undefined, previous: at('clean.onnx') })
    expect(compared).toMatchObject({ status: 'scanned', reason: 'no samples were given' })
    expect(compared.diff?.added).toHaveLength(6)
  })
})

describe('what the audit cannot be believed for', () => {
  it('samples that the model classifies by chance', async () => {
    const dark = { ...data, labels: data.labels.map((label) => (label + 1) % 6) }
    const { findings } = await audit('clean.onnx', { data: dark, steps: 10 })
    expect(findings).toContainEqual(expect.objectContaining({ signal: 'P6', severity: 'error' }))
    // Ten steps are few, which is said as well.
    expect(findings.map(({ signal }) => signal)).toContain('not-settled')
  })

  it.each([
    ['too few samples', () => ({ limit: 12 }), /too few samples for an audit/],
    ['labels of another set', () => ({ data: { ...data, labels: data.labels.map((y) => y + 5) } }), /outside the classes of the model/], // prettier-ignore
    ['an interrupt', () => ({ isCancelled: () => true }), /interrupted; nothing was written/],
  ])('%s: refused', async (_, more, message) => {
    await expect(audit('clean.onnx', more())).rejects.toThrow(message)
  })
})
