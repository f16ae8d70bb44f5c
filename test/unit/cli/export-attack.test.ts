import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../../src/cli/run.js'
import { drawGlyphs } from '../../../src/data/glyphs.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { decodeModel } from '../../../src/onnx/decode.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { compileStep } from '../../../src/step/compile.js'
import { box, distance } from '../../../src/threat/ball.js'
import { memoryIo } from '../../helpers/memory-io.js'
import { convModel } from '../../helpers/tiny-models.js'

const count = 24
const size = 28 * 28
const epsilon = 0.1
const steps = 6
let folder = ''
let x: Float32Array
let labels: number[]
let model: Uint8Array

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gauntlet-test-'))
  // The snippets look for onnxruntime-node where a user has it.
  await symlink(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'))
  model = await convModel()
  await writeFile(join(folder, 'net.onnx'), model)
  const glyphs = drawGlyphs({ count, seed: 1 })
  x = Float32Array.from(glyphs.values, (value) => value / 255)
  labels = Array.from(glyphs.labels, Number)
  writeFileSync(join(folder, 'data.json'), JSON.stringify({ x: Array.from(x), labels }))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function gauntlet(...argv: string[]) {
  const io = memoryIo({ cwd: folder })
  const code = await runCli(argv, io)
  return { code, out: io.stdout(), err: io.stderr() }
}

const attackOf = (...more: string[]): Promise<{ code: number; out: string; err: string }> =>
  gauntlet(
    'export',
    'attack',
    'net.onnx',
    '-o',
    'step.onnx',
    ...(more.includes('--eps') ? more : ['--eps', String(epsilon), ...more]),
  )

function snippet(language: 'js' | 'python'): string {
  const page = readFileSync(join(folder, 'step.README.md'), 'utf8')
  return new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)![1]!
}

/** What the README's code makes of the samples, in a process of its own. */
function runInNode(options: string): Float32Array {
  writeFileSync(join(folder, 'attack.mjs'), snippet('js'))
  writeFileSync(
    join(folder, 'run.mjs'),
    `import { readFileSync } from 'node:fs'
import { attack } from './attack.mjs'
const { x, labels } = JSON.parse(readFileSync('data.json', 'utf8'))
const xAdv = await attack(Float32Array.from(x), labels${options})
console.log(JSON.stringify(Array.from(xAdv)))`,
  )
  const env = { ...process.env, ORT_DISABLE_TELEMETRY: '1' }
  const text = execFileSync(process.execPath, ['run.mjs'], { cwd: folder, env, maxBuffer: 1e8 })
  return Float32Array.from(JSON.parse(String(text)) as number[])
}

const python = process.env['GAUNTLET_PEERS_PYTHON'] ?? 'python3'

function hasPython(): boolean {
  const has = spawnSync(python, ['-c', 'import onnxruntime, numpy']).status === 0
  if (!has)
    console.warn(`skipped: ${python} has no onnxruntime (GAUNTLET_PEERS_PYTHON names another)`)
  return has
}

function runInPython(): Float32Array {
  writeFileSync(join(folder, 'attack.py'), snippet('python'))
  writeFileSync(
    join(folder, 'run.py'),
    `import json
import numpy as np
from attack import attack
data = json.load(open("data.json"))
x = np.array(data["x"], np.float32).reshape(-1, 1, 28, 28)
print(json.dumps(attack(x, data["labels"]).ravel().tolist()))`,
  )
  const text = execFileSync(python, ['run.py'], { cwd: folder, maxBuffer: 1e8 })
  return Float32Array.from(JSON.parse(String(text)) as number[])
}

const images = (data: Float32Array): Feed => ({
  dtype: 'float32',
  dims: [count, 1, 28, 28],
  data,
})

/** The harness's own step, with its own box, from the samples themselves. */
async function ownExamples(rounds: number, stepSize: number): Promise<Float32Array> {
  const prepared = await prepareModel(decodeModel(model))
  const options = { loss: 'ce', norm: 'linf', targeted: false, bounds: [0, 1] } as const
  const session = await Session.open(encodeModel(compileStep(prepared, options).graph))
  const [lower, upper] = [new Float32Array(x.length), new Float32Array(x.length)]
  const threat = { norm: 'linf', epsilon, bounds: [0, 1], goal: { kind: 'untargeted' } } as const
  box(x, threat, lower, upper)
  let current = x
  for (let k = 0; k < rounds; k++) {
    const { x_next: next } = await session.run({
      gauntlet_x: images(current),
      lower: images(lower),
      upper: images(upper),
      labels: { dtype: 'int64', dims: [count], data: BigInt64Array.from(labels, BigInt) },
      step_size: { dtype: 'float32', dims: [], data: Float32Array.of(stepSize) },
    })
    current = (next!.data as Float32Array).slice()
  }
  await session.close()
  return current
}

async function fooled(points: Float32Array): Promise<number> {
  const session = await Session.open(model)
  const { logits } = await session.run({
    image: { dtype: 'float32', dims: [count, 1, 28, 28], data: points },
  })
  await session.close()
  return labels.filter((label, i) => {
    const row = Array.from((logits!.data as Float32Array).subarray(10 * i, 10 * i + 10))
    return row.indexOf(Math.max(...row)) !== label
  }).length
}

const largest = (a: Float32Array, b: Float32Array): number =>
  Math.max(...a.map((value, k) => Math.abs(value - b[k]!)))

describe('gauntlet export attack', () => {
  it('writes a step that gives the harness’s own examples', async () => {
    const { code, out } = await attackOf('--steps', String(steps))
    expect(code).toBe(0)
    expect(out).toContain('inputs   x_adv, labels, x, epsilon, step_size')
    const found = runInNode(', { random: () => 0.5 }')
    const expected = await ownExamples(steps, (2.5 * epsilon) / steps)
    expect(largest(found, expected)).toBeLessThan(1e-6)
  })

  it('says in the file how it is to be run', async () => {
    await attackOf('--steps', String(steps))
    const text = readFileSync(join(folder, 'step.onnx'), 'latin1')
    for (const name of [
      'attack',
      'norm',
      'epsilon',
      'step_size',
      'steps',
      'random_start',
      'bounds',
    ])
      expect(text).toContain(`gauntlet.${name}`)
    expect(text).toContain('step.README.md says how to run it')
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('needs no operators but the standard ones', async () => {
    await attackOf()
    const { opsets } = decodeModel(new Uint8Array(readFileSync(join(folder, 'step.onnx'))))
    expect(Object.keys(opsets)).toEqual([''])
  })

  it.each(['linf', 'l2', 'l1'] as const)(
    '%s: stays in the ball and beats no attack at all',
    async (norm) => {
      const radius = { linf: epsilon, l2: 2, l1: 20 }[norm]
      await gauntlet(
        'export',
        'attack',
        'net.onnx',
        '--norm',
        norm,
        '--eps',
        String(radius),
        '--steps',
        '10',
        '-o',
        'step.onnx',
      )
      const found = runInNode('')
      expect(Math.min(...found)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...found)).toBeLessThanOrEqual(1)
      for (let i = 0; i < count; i++) {
        const part = (all: Float32Array): Float32Array => all.subarray(i * size, (i + 1) * size)
        const slack = norm === 'linf' ? 1 : 1 + 1e-5
        expect(distance(norm, part(x), part(found))).toBeLessThanOrEqual(radius * slack)
      }
      expect(await fooled(found)).toBeGreaterThan((await fooled(x)) + 3)
    },
  )

  it('runs in Python as in Node', async () => {
    if (!hasPython()) return
    await attackOf('--attack', 'fgsm')
    expect(largest(runInPython(), runInNode(''))).toBeLessThan(1e-6)
  })

  it.each([
    ['linf', epsilon],
    ['l2', 2],
    ['l1', 20],
  ] as const)('%s: stays in the ball in Python', async (norm, radius) => {
    if (!hasPython()) return
    await attackOf('--norm', norm, '--eps', String(radius), '--steps', '10')
    const found = runInPython()
    for (let i = 0; i < count; i++) {
      const part = (all: Float32Array): Float32Array => all.subarray(i * size, (i + 1) * size)
      expect(distance(norm, part(x), part(found))).toBeLessThanOrEqual(radius * (1 + 1e-5))
    }
    expect(await fooled(found)).toBeGreaterThan((await fooled(x)) + 3)
  })

  it('takes targets', async () => {
    const { out } = await attackOf('--targeted', '--loss', 'margin')
    expect(out).toContain('targets')
    const found = runInNode(', labels.map((label) => (label + 1) % 10)')
    expect(found).toHaveLength(x.length)
  })

  it.each([
    [['--norm', 'l2'], ['--eps', '0.1'], 'an epsilon is needed'],
    [['--attack', 'fgsm', '--steps', '3'], [], 'FGSM is one step'],
    [['--eps', '8'], [], 'did you mean 8/255?'],
  ])('%s: one line, exit 2, nothing written', async (more, without, message) => {
    const out = 'never.onnx'
    const base = ['export', 'attack', 'net.onnx', '-o', out]
    const given = without.length > 0 || more.includes('--eps') ? [] : ['--eps', '0.1']
    const { code, err } = await gauntlet(...base, ...given, ...more)
    expect(code).toBe(2)
    expect(err.trim().split('\n')).toHaveLength(1)
    expect(err).toContain(message)
    expect(existsSync(join(folder, out))).toBe(false)
  })

  it('knows which options are an attack’s', async () => {
    const { code, err } = await gauntlet(
      'export',
      'gradient',
      'net.onnx',
      '-o',
      'g.onnx',
      '--steps',
      '3',
    )
    expect(code).toBe(2)
    expect(err).toContain('an option of attacks only (--steps)')
  })
})
