/**
 * Memory and throughput of a data audit that does not fit into memory: writes a .npy of random pictures of ten classes,
 * then audits it in parts.
 *
 *     npm run build && node test/bench/audit-stream.mjs [--samples 1000000] [--side 16] [--detectors a,b]
 *
 * Prints the size of the data, seconds and samples a second of each detector, and the greatest resident memory.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, openSync, writeSync, closeSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtInDetectors } from '../../dist/src/audit/data/index.js'
import { keepFeatures } from '../../dist/src/audit/data/lib/features.js'
import { trainAuditModel } from '../../dist/src/audit/data/network.js'
import { DetectorRegistry, runDetector } from '../../dist/src/audit/data/registry.js'
import { openSource } from '../../dist/src/audit/data/source.js'
import { encodeNpy } from '../../dist/src/data/npz-write.js'
import { createRng } from '../../dist/src/util/rng.js'

const option = (name, or) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? or : process.argv[at + 1]
}
const samples = Number(option('samples', '1000000'))
const side = Number(option('side', '16'))
const ids = option(
  'detectors',
  'spectral-signatures,activation-clustering,spectre,label-conflict,near-duplicates',
).split(',')
const given = option('file', undefined)

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`
const checkpoint = () => {}

// What writes the data is another process: its memory is not the audit's.
if (given === undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-audit-stream-'))
  write(folder)
  const args = [import.meta.filename, ...process.argv.slice(2), '--file', join(folder, 'x.npy')]
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  rmSync(folder, { recursive: true })
  process.exitCode = status ?? 1
} else await audit(given)

/** Each class a random picture, with noise; the header of an array of all samples, then one part after another. */
function write(folder) {
  const rng = createRng('audit stream')
  const size = side * side
  const means = Array.from({ length: 10 }, () =>
    Float32Array.from({ length: size }, () => 0.3 + 0.4 * rng.uniform()),
  )
  const empty = encodeNpy({ shape: [0, 1, side, side], data: new Float32Array(0) })
  const head = Buffer.from(empty)
    .toString('latin1')
    .replace(/\(0, (.*?)\), }( *)/, (whole, rest) =>
      `(${samples}, ${rest}), }`.padEnd(whole.length).slice(0, whole.length),
    )
  const x = openSync(join(folder, 'x.npy'), 'w')
  writeSync(x, Buffer.from(head, 'latin1'))
  const labels = new Int32Array(samples)
  const part = new Float32Array(1000 * size)
  const noise = new Float32Array(1 << 16)
  for (let i = 0; i < noise.length; i++) noise[i] = 0.1 * rng.normal()
  for (let from = 0; from < samples; from += 1000) {
    const count = Math.min(1000, samples - from)
    for (let i = 0; i < count; i++) {
      const label = (labels[from + i] = rng.below(10))
      const start = rng.below(noise.length - size)
      for (let p = 0; p < size; p++)
        part[i * size + p] = Math.min(1, Math.max(0, means[label][p] + noise[start + p]))
    }
    writeSync(x, new Uint8Array(part.buffer, 0, count * size * 4))
  }
  closeSync(x)
  const y = openSync(join(folder, 'y.npy'), 'w')
  writeSync(y, encodeNpy({ shape: [samples], data: labels }))
  closeSync(y)
}

async function audit(path) {
  const report = (what, start) => {
    const seconds = (performance.now() - start) / 1000
    const peak = megabytes(process.resourceUsage().maxRSS * 1024)
    const speed = `${Math.round(samples / seconds)} samples/s`
    console.log(`${what}: ${seconds.toFixed(1)} s, ${speed}, peak memory so far ${peak}`)
  }
  console.log(`${samples} samples, ${megabytes(statSync(path).size)}`)
  let start = performance.now()
  const { source, isStreamed } = await openSource({ path }, 0)
  if (!isStreamed) throw new Error('the data were read whole')
  report('check of all values', start)
  start = performance.now()
  const model = await trainAuditModel(source, { seed: 1, checkpoint })
  report('training', start)
  const context = {
    source,
    model,
    outOfSample: null,
    falsePositiveRate: 0.01,
    rng: createRng('audit stream', 1),
    checkpoint,
  }
  start = performance.now()
  const release = await keepFeatures(context)
  report('features', start)
  const registry = new DetectorRegistry(builtInDetectors)
  for (const id of ids) {
    start = performance.now()
    const { suspects } = await runDetector(registry.choose(id), context)
    report(`${id}, ${suspects.length} flagged`, start)
  }
  await release()
  await model.close()
}
