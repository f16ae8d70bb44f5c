/**
 * What the detectors of `gauntlet audit data` find of planted poison, and what they flag of clean data: on the built-in
 * glyphs, and on real digits where ../shared/data is.
 *
 *     npm run build && node test/bench/audit-data.mjs [--seeds 5] [--data digits] [--write]
 *
 * --write: AUDIT-DATA.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'prettier'
import { control, measured, naming, page } from './audit-data/page.mjs'
import { plant } from './audit-data/poisons.mjs'
import { builtInDetectors } from '../../dist/src/audit/data/index.js'
import { judgeControl } from '../../dist/src/audit/data/control.js'
import { memorySource } from '../../dist/src/audit/data/memory-source.js'
import { crossValidate, trainAuditModel } from '../../dist/src/audit/data/network.js'
import { DetectorRegistry, missingNeeds, runDetector } from '../../dist/src/audit/data/registry.js'
import { takeSamples } from '../../dist/src/data/dataset.js'
import { loadDataset } from '../../dist/src/data/load.js'
import { createRng } from '../../dist/src/util/rng.js'

const option = (name, or) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? or : process.argv[at + 1]
}
const rate = 0.01
const seeds = Number(option('seeds', '5'))
const digits = join(import.meta.dirname, '../../../shared/data/digits/digits.npz')
const data = [
  { name: 'digits', path: option('digits', digits), range: [0, 16], seeds },
  { name: 'glyphs', path: 'glyphs', limit: 1200, seed: 21, seeds: Math.min(3, seeds) },
]
const settings = [
  { kind: 'none', share: 0 },
  { kind: 'badnets-one', share: 0.05 },
  { kind: 'badnets-one', share: 0.02 },
  { kind: 'badnets-all', share: 0.05 },
  { kind: 'blended-one', share: 0.05 },
  { kind: 'flip', share: 0.1 },
]
/** The detectors were built on 901 to 908; 1, 2 and 11 to 14 were seen on the way. */
const firstSeed = 21
const registry = new DetectorRegistry(builtInDetectors)
const checkpoint = () => {}

async function trial(samples, setting, seed) {
  const planted = plant(samples, setting, seed)
  const source = memorySource(planted)
  const model = await trainAuditModel(source, { seed, checkpoint })
  const isAboutLabels = setting.kind === 'flip' || setting.kind === 'none'
  const outOfSample = isAboutLabels ? await crossValidate(source, 5, { seed, checkpoint }) : null
  const rng = createRng('bench audit', seed)
  const context = { source, model, outOfSample, falsePositiveRate: rate, rng, checkpoint }
  const rows = []
  for (const detector of builtInDetectors) {
    if (missingNeeds(detector, context).length > 0) continue
    const found = await runDetector(registry.choose(detector.id), context)
    rows.push({
      detector: detector.id,
      ...count(found, planted, rng),
      ...judgeControl(found, rate),
    })
  }
  await model.close()
  return rows
}

/** True and false flags, and those of a filter that removes as many at random. */
function count({ suspects }, { isPoison }, rng) {
  const poisoned = isPoison.reduce((sum, one) => sum + one, 0)
  const of = (indices) => indices.reduce((sum, i) => sum + isPoison[i], 0)
  const draws = rng.fork('random filter')
  const order = [...isPoison.keys()]
  for (let i = 0; i < suspects.length; i++) {
    const j = i + draws.below(order.length - i)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return {
    samples: isPoison.length,
    poisoned,
    hits: of([...suspects]),
    randomHits: of(order.slice(0, suspects.length)),
  }
}

const results = []
const path = join(import.meta.dirname, 'AUDIT-DATA.md')

async function write() {
  const old = existsSync(path) ? readFileSync(path, 'utf8') : ''
  writeFileSync(path, await format(page(results, rate, old), { parser: 'markdown' }))
}

for (const { name, seeds: count, ...spec } of data) {
  if (![name, undefined].includes(option('data'))) continue
  if (name === 'digits' && !existsSync(spec.path)) {
    console.log(`digits are left out: there is no ${spec.path}`)
    continue
  }
  const set = await loadDataset(spec)
  const samples = { ...set, x: takeSamples(set, [...Array(set.count).keys()]) }
  for (let seed = firstSeed; seed < firstSeed + count; seed++)
    for (const setting of settings) {
      const rows = await trial(samples, setting, seed)
      for (const row of rows) {
        results.push({ data: name, seed, ...setting, ...row })
        const text = setting.kind === 'none' ? control([row]) : measured([row]).join('  ')
        console.log(`${name}  ${naming(setting)}  seed ${seed}  ${row.detector}  ${text}`)
      }
      if (process.argv.includes('--write')) await write()
    }
}
