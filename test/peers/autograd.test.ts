/** Gradients of whole networks against PyTorch's autograd; see README.md for what it needs. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { compareNetwork, derivativesAt, type Kink, type Manifest } from './autograd/measure.js'
import { writePage, type KinkRow, type NetworkRow } from './autograd/page.js'
import { python, reasonToSkip } from './python.js'

const tolerance = 1e-4
/** In float64, of files whose constants are rounded to float32. */
const exactTolerance = 1e-6
const reason = reasonToSkip(['torch', 'onnx', 'onnxscript', 'numpy'])
if (reason) console.log(`skipped: gradients against PyTorch: ${reason}`)

/** A folder that `export.py` has written before saves the minutes of exporting. */
const written = process.env['GAUNTLET_PEERS_MODELS']
const folder = written ?? (reason ? '' : mkdtempSync(join(tmpdir(), 'gauntlet-peers-')))
if (!reason && !written)
  await promisify(execFile)(python!, [join(import.meta.dirname, 'autograd/export.py'), folder], {
    maxBuffer: 2 ** 28,
  })
const manifest: Manifest = reason
  ? { torch: '', networks: [], kinks: [] }
  : (JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest)

const files = manifest.networks.flatMap((network) =>
  network.files.map((file) => ({ ...file, network, title: network.title })),
)
const networkRows: NetworkRow[] = []
const kinkRows: KinkRow[] = []
const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.every((value, k) => Math.abs(value - b[k]!) < 1e-5)

afterAll(() => {
  if (reason) return
  if (!written) rmSync(folder, { recursive: true, force: true })
  const page = writePage(manifest.torch, tolerance, networkRows, kinkRows)
  if (process.env['GAUNTLET_PEERS_WRITE'])
    writeFileSync(join(import.meta.dirname, 'AUTOGRAD.md'), page)
  console.log(page)
})

describe.skipIf(reason !== null)('gradients of whole networks', () => {
  it.for(files)('$title, $exporter $opset', async (file) => {
    const { title, exporter, opset, network, path } = file
    const add = (result: NetworkRow['result']): unknown =>
      networkRows.push({ title, exporter, opset, result })
    if (file.reason) return void add(`not exported: ${file.reason}`)
    const result = await compareNetwork(network, path).catch((error: unknown) => {
      add(`failed: ${String(error).slice(0, 200)}`)
      throw error
    })
    add(result)
    expect(result.logits).toBeLessThan(tolerance)
    expect(result.single).toBeLessThan(tolerance)
    expect(result.double).toBeLessThan(tolerance)
    if (result.exact !== null) expect(result.exact).toBeLessThan(exactTolerance)
  })

  it('of at least 12 architectures', () => {
    const compared = networkRows.filter(({ result }) => typeof result !== 'string')
    expect(new Set(compared.map(({ title }) => title)).size).toBeGreaterThanOrEqual(12)
  })
})

describe.skipIf(reason !== null)('kinks and ties', () => {
  it.for<Kink>(manifest.kinks)('$name', async (kink) => {
    const found = await derivativesAt(kink).catch((error: unknown) => {
      kinkRows.push({ ...kink, found: `failed: ${String(error).slice(0, 200)}` })
      throw error
    })
    kinkRows.push({ ...kink, found })
    // Where it is said to differ it must, or what is said is out of date.
    expect(same(found, kink.derivatives), `${found} against ${kink.derivatives}`).toBe(
      kink.differs === '',
    )
  })
})
