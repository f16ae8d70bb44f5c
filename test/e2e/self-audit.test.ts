import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeModel } from '../../src/onnx/encode.js'
import type { RunReport } from '../../src/reporter.js'
import { binarized } from '../helpers/broken-models.js'
import { runCli, type CliResult } from '../helpers/cli.js'
import { demoGraph } from '../helpers/examination.js'

/** What would pass, were the numbers true. */
const gate = {
  rules: [{ id: 'robust', kind: 'floor', metric: 'robustAccuracy', min: 0.2 }],
}

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gauntlet-audit-'))
  const sound = await demoGraph('v1')
  writeFileSync(join(folder, 'sound.onnx'), encodeModel(sound))
  writeFileSync(join(folder, 'masked.onnx'), encodeModel(binarized(sound)))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function gauntlet(
  models: readonly string[],
  change: object,
  ...args: string[]
): Promise<CliResult> {
  const config = {
    data: { path: 'glyphs', limit: 128 },
    models: models.map((version) => ({ version, path: `${version}.onnx` })),
    suites: [
      {
        id: 'own',
        title: 'Own',
        attacks: [{ use: 'pgd', params: { steps: 10 } }],
        threats: [{ norm: 'linf', epsilon: '16/255' }],
      },
    ],
    report: { formats: ['json', 'html', 'markdown'] },
    gate,
    ...change,
  }
  writeFileSync(join(folder, 'own.json'), JSON.stringify(config))
  return runCli([...args, '-c', 'own.json'], folder)
}

describe('a run that examines itself', () => {
  it('decides nothing over a model whose gradients are masked, and says what to do', async () => {
    const { code, stdout } = await gauntlet(['sound', 'masked'], {}, 'gate')
    expect(code).toBe(11)
    expect(stdout).toMatch(/^INCONCLUSIVE {2}The evaluation is not valid/)
    expect(stdout).toMatch(/self-audit: masked: [PE]\d+.*\n[^]*what to do/)
    const file = join(folder, 'gauntlet-report/report.json')
    const report = JSON.parse(readFileSync(file, 'utf8')) as RunReport
    expect(report.gate?.verdict).toBe('inconclusive')
    const [sound, masked] = report.trust!
    expect(sound!.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(sound!.trust).not.toBe('void')
    expect(masked!.trust).toBe('void')
    expect(masked!.findings.map(({ signal }) => signal)).toContain('E23')
    for (const { remedy, version } of masked!.findings) {
      expect(remedy).not.toBe('')
      expect(version).toBe('masked')
    }
    for (const name of ['report.html', 'report.md'])
      expect(readFileSync(join(folder, 'gauntlet-report', name), 'utf8')).toMatch(/E23/)
  }, 120_000)

  it('examines each version once: the second run finds it in the store', async () => {
    const { code, stderr } = await gauntlet(['sound', 'masked'], {}, 'run')
    expect(code).toBe(0)
    expect(stderr).toMatch(/all of it is in the store already/)
  }, 60_000)

  it('gates a sound model as ever', async () => {
    const { code, stdout } = await gauntlet(['sound'], {}, 'gate')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^PASS/)
  }, 60_000)

  it('says that samples were in the training data', async () => {
    const trainingData = { path: 'glyphs', limit: 32 }
    const run = await gauntlet(['sound'], { trainingData, gate: undefined }, 'run')
    expect(run.code).toBe(0)
    const file = join(folder, 'gauntlet-report/report.json')
    const [sound] = (JSON.parse(readFileSync(file, 'utf8')) as RunReport).trust!
    expect(sound!.findings.find(({ signal }) => signal === 'P16')?.text).toBe(
      'the models were trained on 32 of the 128 samples',
    )
    const other = { path: 'glyphs', limit: 32, seed: 5 }
    await gauntlet(['sound'], { trainingData: other, gate: undefined }, 'run')
    const [again] = (JSON.parse(readFileSync(file, 'utf8')) as RunReport).trust!
    expect(again!.findings.map(({ signal }) => signal)).not.toContain('P16')
  }, 60_000)

  it('can be told not to', async () => {
    const { code, stdout } = await gauntlet(['sound', 'masked'], { selfAudit: false }, 'gate')
    expect(code).toBe(0)
    expect(stdout).not.toMatch(/trust/)
  }, 60_000)
})
