import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../src/cli/run.js'
import { loadConfig } from '../../../src/config/load.js'
import { saveModel } from '../../../src/onnx/save.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import { memoryIo } from '../../helpers/memory-io.js'

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gauntlet-cli-'))
})
afterEach(() => rm(cwd, { recursive: true }))

async function run(...argv: string[]) {
  const io = memoryIo({ cwd })
  const code = await runCli(argv, io)
  return { code, out: io.stdout(), err: io.stderr() }
}

const touch = async (...names: string[]) => {
  for (const name of names) await writeFile(join(cwd, name), '')
}

describe('gauntlet init', () => {
  it.each(['ts', 'yaml', 'json'])(
    'writes a valid .%s for what it finds, newest last',
    async (format) => {
      await mkdir(join(cwd, 'models'))
      await mkdir(join(cwd, 'node_modules'))
      await touch(
        'models/v10.onnx',
        'models/v2.onnx',
        "models/it's.onnx",
        'node_modules/x.onnx',
        'train.npz',
        'test.npz',
      )
      const { code, out } = await run('init', '--format', format)
      expect(code).toBe(0)
      expect(out).toContain(`wrote gauntlet.config.${format}`)
      const { config } = await loadConfig(undefined, cwd)
      expect(config.models.map(({ version }) => version)).toEqual(["it's", 'v2', 'v10'])
      expect(config.models[1]?.path).toBe(join(cwd, 'models/v2.onnx'))
      expect(config.data.path).toBe(join(cwd, 'test.npz'))
      expect(config.gate?.rules.map(({ kind }) => kind)).toEqual([
        'non-inferiority',
        'non-inferiority',
      ])
    },
  )

  it('writes placeholders into an empty folder and says so', async () => {
    const { out } = await run('init')
    expect(out).toContain('no .onnx file found here')
    expect((await loadConfig(undefined, cwd)).config.models).toHaveLength(2)
    expect(await readFile(join(cwd, 'gauntlet.config.ts'), 'utf8')).toContain('// ')
  })

  it('holds a single version to a floor, and names files of one name by their folders', async () => {
    await touch('previous.onnx')
    await run('init')
    const { config } = await loadConfig(undefined, cwd)
    expect(config.models[0]?.version).toBe('previous.onnx')
    expect(config.gate?.rules[0]?.kind).toBe('floor')
  })

  it('writes over nothing unless told to, and never makes a second one', async () => {
    await run('init')
    await writeFile(join(cwd, 'gauntlet.config.ts'), 'mine')
    const again = await run('init')
    expect(again.code).toBe(2)
    expect(again.err).toContain('--force')
    expect(await readFile(join(cwd, 'gauntlet.config.ts'), 'utf8')).toBe('mine')
    expect((await run('init', '--format', 'json', '--force')).err).toContain('gauntlet.config.ts')
    expect((await run('init', '--force', '--json')).code).toBe(0)
    expect(await readdir(cwd)).toEqual(['gauntlet.config.ts'])
    await loadConfig(undefined, cwd)
  })
})

describe('gauntlet doctor', () => {
  it('is content with a machine that has no configuration, and leaves nothing behind', async () => {
    const { code, ok, of } = await statuses()
    expect({ code, ok }).toEqual({ code: 0, ok: true })
    expect(of('ONNX Runtime')).toMatchObject({ status: 'ok' })
    expect(of('store')).toMatchObject({ status: 'ok' })
    expect(of('configuration')).toMatchObject({ status: 'warn' })
    expect(of('models')).toMatchObject({ status: 'skip' })
    expect(await readdir(cwd)).toEqual([])
  })

  it('loads the models and the data of a configuration', async () => {
    await saveModel(flat(), join(cwd, 'v1.onnx'))
    await writeFile(
      join(cwd, 'gauntlet.config.yaml'),
      'data: { path: glyphs, limit: 20 }\nmodels: [{ version: v1, path: v1.onnx }]\n',
    )
    const { code, of } = await statuses()
    expect(of('data')).toMatchObject({
      status: 'ok',
      detail: '20 samples of 1 × 28 × 28 in 0..1, 10 classes (glyphs)',
    })
    expect(of('models')).toMatchObject({ status: 'ok', detail: 'v1 runs, 784 classes' })
    expect(code).toBe(0)
    const { out } = await run('doctor')
    expect(out).toContain('✓  models')
    expect(out).toContain('ready: gauntlet run')
  })

  it.each([
    ['configuration', 'data: glyphs\nmodles: []\n', 'did you mean models?'],
    ['data', 'data: none.npz\nmodels: [{ version: v1, path: v1.onnx }]\n', 'none.npz'],
    ['models', 'data: glyphs\nmodels: [{ version: v1, path: none.onnx }]\n', 'none.onnx'],
    [
      'suites',
      'data: glyphs\nmodels: [{ version: v1, path: v1.onnx }]\nsuites: [quik]\n',
      'did you mean quick?',
    ],
    [
      'suites',
      'data: glyphs\nmodels: [{ version: v1, path: v1.onnx }]\nplugins: [none.ts]\n',
      'none.ts',
    ],
    [
      'store',
      'data: glyphs\nmodels: [{ version: v1, path: v1.onnx }]\nstore: broken.db\n',
      'broken.db',
    ],
  ])('fails on %s with exit code 2 and one line', async (label, yaml, says) => {
    await writeFile(
      join(cwd, 'broken.db'),
      'this is not a database at all, whatever its name may say',
    )
    await writeFile(join(cwd, 'own.yaml'), yaml)
    const { code, ok, of } = await statuses('-c', 'own.yaml')
    expect({ code, ok }).toEqual({ code: 2, ok: false })
    expect(of(label)?.status).toBe('fail')
    expect(of(label)?.detail).toContain(says)
    expect(of(label)?.detail).not.toContain('\n')
    expect((await run('doctor', '-c', 'own.yaml')).out).toContain('not ready')
  })
})

/** (N, 1, 28, 28) -> (N, 784) */
function flat() {
  return graphOf({ nodes: [nodeOf('Flatten', ['x'], ['y'])], inputs: { x: ['N', 1, 28, 28] } })
}

/** The rows of `doctor --json`, by label. */
async function statuses(...argv: string[]) {
  const { code, out } = await run('doctor', '--json', ...argv)
  const { ok, checks } = JSON.parse(out) as {
    ok: boolean
    checks: { label: string; status: string; detail: string }[]
  }
  return { code, ok, of: (label: string) => checks.find((row) => row.label === label) }
}
