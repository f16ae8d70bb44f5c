import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseNpy } from '../../src/data/npy.js'
import { listZip, unpackEntry } from '../../src/data/zip.js'
import { argmax } from '../../src/model/handle.js'
import { runCli, type CliResult } from '../helpers/cli.js'
import { makeTinyProject, writeTinyConfig } from '../helpers/tiny-project.js'
import { forward } from '../helpers/tiny-models.js'

const pixels = 28 * 28
let folder: string
beforeAll(async () => {
  folder = await makeTinyProject()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const gauntlet = (...args: string[]): Promise<CliResult> => runCli(args, folder)

/** v2 is much worse than v1. */
const noWorse = { id: 'no-worse', kind: 'non-inferiority', metric: 'cleanAccuracy', margin: 0.02 }
const floorAt = (min: number) => ({ id: 'floor', kind: 'floor', metric: 'cleanAccuracy', min })

describe('from a run to a verdict', () => {
  it('run: results, reports, and nothing but results on stdout', async () => {
    const { code, stdout, stderr } = await gauntlet('run')
    expect(code).toBe(0)
    expect(stderr).toMatch(/^new run \S+: 24 tasks\n/)
    expect(stdout).toMatch(/wrote gauntlet-report\/report\.json/)
    expect(readdirSync(join(folder, 'gauntlet-report')).sort()).toEqual([
      'report.json',
      'report.md',
    ])
  })

  it('compare: by version, and by run and version', async () => {
    const { code, stdout } = await gauntlet('compare', 'v1', 'v2')
    expect(code).toBe(0)
    expect(stdout).toMatch(/clean accuracy/)
    const json = await gauntlet('compare', 'v1', 'v2', '--json')
    const { versions, comparisons } = JSON.parse(json.stdout)
    expect(versions.map(({ version }: { version: string }) => version)).toEqual(['v1', 'v2'])
    // Clean accuracy, the worst case at each radius, and each attack at each radius.
    expect(comparisons).toHaveLength(1 + 2 + 6)
    for (const one of comparisons) expect(one).toMatchObject({ baseline: 'v1', candidate: 'v2' })
    const [{ id }] = JSON.parse((await gauntlet('report', '--list', '--json')).stdout)
    const named = await gauntlet('compare', `${id}/v1`, `${id}/v2`)
    expect(named.code).toBe(0)
  })

  const verdicts = [
    { name: 'passes', rules: [floorAt(0.05)], code: 0, verdict: 'pass' },
    { name: 'fails', rules: [noWorse], code: 10, verdict: 'fail' },
    {
      name: 'cannot tell without results',
      rules: [{ id: 'missing', kind: 'required-attacks', attacks: ['square'] }],
      code: 11,
      verdict: 'inconclusive',
    },
    {
      name: 'cannot tell without a baseline',
      rules: [noWorse],
      baseline: 'baseline:none',
      code: 11,
      verdict: 'inconclusive',
    },
  ]
  for (const { name, code, verdict, ...gate } of verdicts)
    it(`gate: ${name}, exit ${code}`, async () => {
      writeTinyConfig(folder, { change: { gate } }, 'gate.json')
      const shown = await gauntlet('gate', '-c', 'gate.json')
      expect(shown.code).toBe(code)
      expect(shown.stderr).toMatch(/all of it is in the store already/)
      const json = await gauntlet('gate', '-c', 'gate.json', '--json')
      expect(json.code).toBe(code)
      expect(json.stderr).toBe('')
      expect(JSON.parse(json.stdout)).toMatchObject({ status: 'complete', gate: { verdict } })
    })

  it('gate: --workers changes nothing, --seed is another run', async () => {
    writeTinyConfig(folder, { change: { gate: { rules: [floorAt(0.05)] } } }, 'gate.json')
    const workers = await gauntlet('gate', '-c', 'gate.json', '--workers', '1')
    expect(workers).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/in the store already/),
    })
    const seed = await gauntlet('gate', '-c', 'gate.json', '--seed', '77', '--json')
    expect(seed.code).toBe(0)
    const report = JSON.parse(readFileSync(join(folder, 'gauntlet-report/report.json'), 'utf8'))
    expect(report).toMatchObject({ runId: JSON.parse(seed.stdout).runId, manifest: { seed: 77 } })
    expect((await gauntlet('gate', '-c', 'gate.json', '--seed', 'x')).code).toBe(2)
  })

  it('baseline: a name for a version, which the gate compares with', async () => {
    const none = await gauntlet('baseline')
    expect(none.stdout).toMatch(/no baseline yet/)
    const set = await gauntlet('baseline', 'production', 'v2', '--note', 'released')
    expect(set.code).toBe(0)
    expect(set.stdout).toMatch(/production +v2 .*released/)
    // v2 against itself: whatever v1 was.
    const gate = { baseline: 'baseline:production', rules: [{ ...noWorse, margin: 0.2 }] }
    writeTinyConfig(folder, { change: { gate } }, 'gate.json')
    const result = await gauntlet('gate', '-c', 'gate.json', '--json')
    expect(JSON.parse(result.stdout).gate).toMatchObject({ verdict: 'pass', candidate: 'v2' })
    expect(result.code).toBe(0)
  })

  it('baseline: refuses a version that the run does not have', async () => {
    const { code, stderr } = await gauntlet('baseline', 'production', 'v9')
    expect(code).toBe(2)
    expect(stderr).toMatch(/^gauntlet: error GNT_STORE_NOT_FOUND: [^\n]*v9[^\n]*\n$/)
  })

  it('baseline: refuses a name without a version, if there is none of that name', async () => {
    const { code, stderr } = await gauntlet('baseline', 'prodution')
    expect(code).toBe(2)
    expect(stderr).toMatch(/prodution.*did you mean production\?/)
  })

  it('report: again, in other formats, elsewhere', async () => {
    const { code, stdout } = await gauntlet('report', '--format', 'csv', 'junit', '--out', 'again')
    expect(code).toBe(0)
    expect(stdout).toBe('wrote again/cells.csv\nwrote again/junit.xml\n')
    expect(
      readFileSync(join(folder, 'again/cells.csv'), 'utf8').split('\n').length,
    ).toBeGreaterThan(12)
  })

  it('report and compare: refuse what is not there', async () => {
    const run = await gauntlet('report', 'nineteen')
    expect(run).toMatchObject({ code: 2, stdout: '' })
    expect(run.stderr).toMatch(/^gauntlet: error GNT_STORE_NOT_FOUND: [^\n]*nineteen[^\n]*\n$/)
    const version = await gauntlet('compare', 'v1', 'v7')
    expect(version).toMatchObject({ code: 2, stdout: '' })
    expect(version.stderr).toMatch(/^gauntlet: error GNT_STORE_NOT_FOUND: [^\n]*v7[^\n]*v1, v2\n$/)
    const same = await gauntlet('compare', 'v1', 'v1')
    expect(same.stderr).toMatch(/^gauntlet: error GNT_COMPARE: /)
    expect(existsSync(join(folder, 'gauntlet-report/report.html'))).toBe(false)
  })
})

describe('attack', () => {
  const options = [
    'v1.onnx',
    '--data',
    'glyphs',
    '--limit',
    '60',
    '--eps',
    '4/255',
    '--steps',
    '10',
  ]

  it('--json: one object with the published keys', async () => {
    const { code, stdout, stderr } = await gauntlet('attack', ...options, '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.trim().split('\n')).toHaveLength(1)
    const summary = JSON.parse(stdout)
    expect(Object.keys(summary)).toEqual([
      'model',
      'attack',
      'norm',
      'epsilon',
      'samples',
      'cleanAccuracy',
      'robustAccuracy',
      'attackSuccess',
      'gradients',
      'queries',
      'seconds',
      'secondsInRuntime',
    ])
    expect(summary).toMatchObject({ model: 'v1.onnx', attack: 'pgd', norm: 'linf', samples: 60 })
    expect(summary.epsilon).toBeCloseTo(4 / 255, 12)
    const { cleanAccuracy, robustAccuracy, attackSuccess } = summary
    expect(attackSuccess).toBeCloseTo(1 - robustAccuracy / cleanAccuracy, 12)
    expect(summary.secondsInRuntime).toBeLessThan(summary.seconds * 2 + 0.1)
  })

  it('errors in --json are JSON too', async () => {
    const { code, stdout, stderr } = await gauntlet(
      'attack',
      ...options,
      '--json',
      '--attack',
      'pdg',
    )
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'GNT_ATTACK_UNKNOWN', fix: 'did you mean pgd?' },
    })
  })

  const saves = [
    { norm: 'linf', epsilon: 4 / 255, eps: '4/255' },
    { norm: 'l2', epsilon: 0.5, eps: '0.5' },
    { norm: 'l1', epsilon: 4, eps: '4' },
  ] as const
  for (const { norm, epsilon, eps } of saves)
    it(`--save in ${norm}: what it says holds for the file, by ONNX Runtime alone`, async () => {
      const more = ['--norm', norm, '--eps', eps, '--save', `${norm}.npz`, '--json']
      const { code, stdout } = await gauntlet('attack', ...options, ...more)
      expect(code).toBe(0)
      const summary = JSON.parse(stdout)
      const saved = readNpz(join(folder, `${norm}.npz`))
      expect(Object.keys(saved)).toEqual(['x_adv', 'x', 'y', 'success'])
      const { x, x_adv: xAdv, y, success } = saved as Record<string, Saved>
      expect(x!.shape).toEqual([60, 1, 28, 28])
      expect(xAdv!.shape).toEqual([60, 1, 28, 28])
      expect([y!.shape, success!.shape]).toEqual([[60], [60]])

      const model = readFileSync(join(folder, 'v1.onnx'))
      const clean = predictions(await forward(model, Float32Array.from(x!.data)))
      const attacked = predictions(await forward(model, Float32Array.from(xAdv!.data)))
      const isRight = clean.map((prediction, i) => prediction === y!.data[i])
      const fell = attacked.map((prediction, i) => isRight[i] && prediction !== y!.data[i])
      expect(Array.from(success!.data, Boolean)).toEqual(fell)
      const right = isRight.filter(Boolean).length
      const fallen = fell.filter(Boolean).length
      expect(summary.cleanAccuracy).toBeCloseTo(right / 60, 12)
      expect(summary.robustAccuracy).toBeCloseTo((right - fallen) / 60, 12)
      expect(fallen).toBeGreaterThan(0)
      for (let i = 0; i < 60; i++) {
        expect(distance(norm, x!.data, xAdv!.data, i)).toBeLessThanOrEqual(epsilon * (1 + 1e-6))
        if (!isRight[i]) expect(distance(norm, x!.data, xAdv!.data, i)).toBe(0)
      }
      expect(Math.min(...xAdv!.data)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...xAdv!.data)).toBeLessThanOrEqual(1)
    })
})

describe('export gradient', () => {
  for (const loss of ['ce', 'margin', 'dlr'])
    it(`${loss}: the file runs in ONNX Runtime and holds the derivative of its loss`, async () => {
      const exported = await gauntlet(
        'export',
        'gradient',
        'v1.onnx',
        '-o',
        'g.onnx',
        '--loss',
        loss,
      )
      expect(exported).toMatchObject({ code: 0, stderr: '' })
      const session = await InferenceSession.create(join(folder, 'g.onnx'))
      expect([...session.inputNames].sort()).toEqual(['image', 'labels'])
      expect([...session.outputNames].sort()).toEqual(['gradient', 'logits', 'loss'])
      const n = 3
      const x = Float32Array.from({ length: n * pixels }, (_, i) => 0.5 + 0.4 * Math.sin(i * 1.7))
      const labels = new Tensor('int64', BigInt64Array.of(3n, 0n, 7n), [n])
      const run = async (image: Float32Array) => {
        const dims = [n, 1, 28, 28]
        const outputs = await session.run({ image: new Tensor('float32', image, dims), labels })
        expect(outputs['loss']!.dims).toEqual([n])
        expect(outputs['logits']!.dims).toEqual([n, 10])
        expect(outputs['gradient']!.dims).toEqual(dims)
        return {
          loss: outputs['loss']!.data as Float32Array,
          logits: outputs['logits']!.data as Float32Array,
          gradient: outputs['gradient']!.data as Float32Array,
        }
      }
      const { gradient, logits } = await run(x)
      const model = readFileSync(join(folder, 'v1.onnx'))
      const expected = await forward(model, x)
      expect(Math.max(...logits.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(
        1e-4,
      )

      // Along its own direction the gradient is as large as anywhere: rounding in float32 matters least.
      const h = 2e-3
      const along = (sign: number): Float32Array =>
        x.map(
          (value, i) => value + (sign * h * gradient[i]!) / norm(gradient, Math.floor(i / pixels)),
        )
      const [up, down] = [await run(along(1)), await run(along(-1))]
      for (let i = 0; i < n; i++) {
        const slope = (up.loss[i]! - down.loss[i]!) / (2 * h)
        expect(norm(gradient, i)).toBeGreaterThan(1e-3)
        expect(Math.abs(slope / norm(gradient, i) - 1)).toBeLessThan(0.03)
      }
      await session.release()
    })
})

interface Saved {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number> & Iterable<number>
}

function readNpz(path: string): Record<string, Saved> {
  const bytes = new Uint8Array(readFileSync(path))
  return Object.fromEntries(
    listZip(bytes, path).map((entry) => [
      entry.name.replace(/\.npy$/, ''),
      parseNpy(unpackEntry(bytes, entry, path), path) as Saved,
    ]),
  )
}

function predictions(logits: Float32Array): number[] {
  return Array.from({ length: logits.length / 10 }, (_, i) => argmax(logits, i * 10, 10))
}

function distance(
  norm: 'linf' | 'l2' | 'l1',
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  sample: number,
): number {
  const gaps = Array.from({ length: pixels }, (_, k) =>
    Math.abs(a[sample * pixels + k]! - b[sample * pixels + k]!),
  )
  if (norm === 'linf') return Math.max(...gaps)
  if (norm === 'l1') return gaps.reduce((sum, gap) => sum + gap, 0)
  return Math.hypot(...gaps)
}

/** Euclidean length of one sample's part. */
function norm(values: Float32Array, sample: number): number {
  return Math.hypot(...values.subarray(sample * pixels, (sample + 1) * pixels))
}
