import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseNpy } from '../../src/data/npy.js'
import { listZip, unpackEntry } from '../../src/data/zip.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { createRng } from '../../src/util/rng.js'
import { runCli, type CliResult } from '../helpers/cli.js'
import { linearOf } from '../helpers/networks.js'
import { latestOutcomes } from '../helpers/tiny-project.js'

const names = ['age', 'income', 'children', 'city', 'village'] as const
let folder: string
const gauntlet = (...args: string[]): Promise<CliResult> => runCli(args, folder)

const features = {
  immutable: ['age'],
  scale: { income: 20 },
  bounds: { income: [0, 90] },
  integer: ['children'],
  oneHot: [['city', 'village']],
}
const config = (threat: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({
    data: { path: 'people.csv', range: [0, 100] },
    models: [{ version: 'v1', path: 'v1.onnx' }],
    suites: [
      {
        id: 'own',
        title: 'Own',
        attacks: [{ use: 'pgd' }],
        threats: [{ norm: 'linf', epsilon: 1, ...threat }],
      },
    ],
    workers: 1,
    report: { formats: ['json'] },
  })

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gauntlet-tabular-'))
  const rng = createRng('people')
  const weights = [0.2, -0.05, 1, 2, -1]
  const rows = Array.from({ length: 40 }, () => {
    const city = rng.below(2)
    return [
      20 + rng.below(60),
      Math.round(90 * rng.uniform() * 4) / 4,
      rng.below(4),
      city,
      1 - city,
    ]
  })
  const score = (row: readonly number[]): number =>
    row.reduce((sum, value, i) => sum + value * weights[i]!, -9)
  const lines = rows.map((row) => [...row, score(row) > 0 ? 1 : 0].join(','))
  writeFileSync(join(folder, 'people.csv'), [[...names, 'label'].join(','), ...lines].join('\n'))
  const graph = linearOf([5], [[0, 0, 0, 0, 0], weights], [0, -9])
  writeFileSync(join(folder, 'v1.onnx'), encodeModel(graph))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a table with named columns', () => {
  it('runs, and says which threat it was', async () => {
    writeFileSync(join(folder, 'gauntlet.config.json'), config({ features }))
    const { code, stderr } = await gauntlet('run')
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const [cell] = await latestOutcomes(folder)
    expect(cell!.cell.threat.features).toEqual({
      scale: [0, 20, 1, 1, 1],
      lower: [0, 0, 0, 0, 0],
      upper: [100, 90, 100, 1, 1],
      integers: [2],
      oneHot: [[3, 4]],
    })
    expect(cell!.cell.id).toMatch(/^v1 \/ PGD-40 \/ linf 1, features [0-9a-f]{4}$/)
    const fooled = cell!.outcomes.filter(({ success }) => success)
    expect(fooled.length).toBeGreaterThan(0)
    for (const { distance } of fooled) expect(distance).toBeLessThanOrEqual(1)
    const report = JSON.parse(readFileSync(join(folder, 'gauntlet-report/report.json'), 'utf8'))
    expect(report.cells[0].constraints).toMatch(/^features [0-9a-f]{4}$/)
  })

  it('attack: features from a file; the examples hold to them', async () => {
    writeFileSync(join(folder, 'features.yaml'), JSON.stringify(features))
    const options = ['v1.onnx', '--data', 'people.csv', '--range', '0..100', '--eps', '1']
    const more = ['--features', 'features.yaml', '--workers', '1', '--save', 'adv.npz']
    const { code, stdout } = await gauntlet('attack', ...options, ...more)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^PGD-40, L∞ 1, features [0-9a-f]{4}: v1\.onnx/)
    const bytes = readFileSync(join(folder, 'adv.npz'))
    const [xAdv, x] = ['x_adv', 'x'].map((key) => {
      const entry = listZip(bytes, 'adv.npz').find(({ name }) => name === `${key}.npy`)!
      return parseNpy(unpackEntry(bytes, entry, 'adv.npz'), 'adv.npz').data
    })
    for (let i = 0; i < x!.length; i += 5) {
      const [[age, income, children, ...home], own] = [xAdv!, x!].map((array) =>
        Array.from(array.slice(i, i + 5)),
      ) as [number[], number[]]
      expect(age).toBe(own[0])
      expect(Math.abs(income! - own[1]!)).toBeLessThanOrEqual(20)
      expect(income).toBeLessThanOrEqual(90)
      expect(Number.isInteger(children)).toBe(true)
      expect(home.sort()).toEqual([0, 1])
    }
  })

  it.each<[string, Readonly<Record<string, unknown>>]>([
    [
      'features.immutable): got "wealth", expected age, income',
      { features: { immutable: ['wealth'] } },
    ],
    ['features are for threats in L∞ and L0', { norm: 'l2', features }],
    ['suites[0].threats[0].quantize', { quantize: 0 }],
    ['features.scale.income', { features: { scale: { income: -1 } } }],
    [
      'features.oneHot): got city',
      {
        features: {
          oneHot: [
            ['city', 'age'],
            ['city', 'village'],
          ],
        },
      },
    ],
    [
      'a feature may leave the range of the data (features: age)',
      { features: { bounds: { age: [0, 200] } } },
    ],
    ['rounded to integers or categories', { features: { integer: ['age'] }, quantize: 8 }],
  ])('refuses in one line: %s', async (message, threat) => {
    writeFileSync(join(folder, 'gauntlet.config.json'), config(threat))
    const { code, stderr } = await gauntlet('run')
    expect(code).toBe(2)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(message)
  })
})

describe('the example of a whole table', () => {
  it('makes its table and two networks, and attacks them', async () => {
    const script = new URL('../examples/tabular/make.mjs', import.meta.url).pathname
    const own = join(folder, 'loans')
    await promisify(execFile)(process.execPath, [script, own])
    const { code, stderr } = await runCli(['run'], own)
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const cells = await latestOutcomes(own)
    expect(cells).toHaveLength(2 * (2 * 2 + 2))
    const right = cells[0]!.outcomes.filter((one) => one.cleanPrediction === one.label).length
    expect(right / cells[0]!.outcomes.length).toBeGreaterThan(0.9)
    for (const { cell, outcomes } of cells) {
      const fooled = outcomes.filter(({ success }) => success)
      expect(fooled.length, cell.id).toBeGreaterThan(0)
      for (const { distance } of fooled) expect(distance).toBeLessThanOrEqual(cell.threat.epsilon)
    }
    const fooledAt = (epsilon: number): number =>
      cells
        .filter(({ cell }) => cell.attack.attack === 'pgd' && cell.threat.epsilon === epsilon)
        .flatMap(({ outcomes }) => outcomes)
        .filter(({ success }) => success).length
    expect(fooledAt(0.5)).toBeGreaterThan(fooledAt(0.1))
  })
})
