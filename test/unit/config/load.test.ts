import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { loadPlugins } from '../../../src/config/load-plugins.js'
import { defaultWorkers } from '../../../src/config/schema.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gauntlet-config-'))
})
afterEach(() => rm(folder, { recursive: true }))

const write = (name: string, text: string) => writeFile(join(folder, name), text)
const load = (path?: string) => loadConfig(path, folder)

const json = '{"data": "test.npz", "models": [{"version": "v1", "path": "v1.onnx"}]}'
const yaml = 'data: test.npz\nmodels:\n  - version: v1\n    path: v1.onnx\n'
const module = `export default { data: 'test.npz', models: [{ version: 'v1', path: 'v1.onnx' }] }\n`
const typed = `import { defineConfig, defineSuite } from 'gauntlet'
const path: string = 'v1.onnx'
const suite = defineSuite({ id: 'own', title: 'Own', attacks: [{ use: 'pgd' }], threats: [{ norm: 'l2', epsilon: [0.5, '1/4'] }] })
export default defineConfig({ data: 'test.npz', models: [{ version: 'v1', path }], suites: ['quick', suite] })
`

describe('loadConfig', () => {
  it.each([
    ['gauntlet.config.json', json],
    ['gauntlet.config.yaml', yaml],
    ['gauntlet.config.yml', yaml],
    ['gauntlet.config.js', module],
    ['gauntlet.config.mjs', module],
    ['gauntlet.config.ts', typed],
    ['gauntlet.config.mts', typed],
  ])('finds %s; paths start from its folder, defaults are filled in', async (name, text) => {
    await write(name, text)
    const { config, path, folder: own } = await load()
    expect(path).toBe(join(folder, name))
    expect(own).toBe(folder)
    expect(config).toMatchObject({
      title: 'Gauntlet',
      data: { path: join(folder, 'test.npz') },
      models: [{ version: 'v1', path: join(folder, 'v1.onnx') }],
      workers: defaultWorkers(),
      batch: 64,
      devices: ['cpu'],
      seed: 1,
      store: join(folder, '.gauntlet/results.db'),
      report: { folder: join(folder, 'gauntlet-report') },
      plugins: [],
    })
    expect(config.report.formats).toHaveLength(6)
    expect(config.gate).toBeUndefined()
    const [first, own2] = config.suites
    expect(first).toBe('quick')
    if (text === typed)
      expect(own2).toMatchObject({ id: 'own', threats: [{ epsilon: [0.5, 0.25] }] })
  })

  it('leaves the synthetic set and absolute paths alone', async () => {
    await write(
      'a.json',
      '{"data": "glyphs", "models": [{"version": "v1", "path": "/m/v1.onnx"}], "store": ":memory:"}',
    )
    const { config } = await load('a.json')
    expect(config.data).toEqual({ path: 'glyphs' })
    expect(config.models[0]?.path).toBe('/m/v1.onnx')
    expect(config.store).toBe(':memory:')
  })

  it('reads ranges as text and as numbers', async () => {
    for (const [written, range] of [
      ['"0..255"', [0, 255]],
      ['"-1..1"', [-1, 1]],
      ['"0.5..1.5"', [0.5, 1.5]],
      ['[0, 1]', [0, 1]],
    ] as const) {
      await write(
        'a.json',
        `{"data": {"path": "x", "range": ${written}}, "models": [{"version": "v1", "path": "v1"}]}`,
      )
      expect((await load('a.json')).config.data.range).toEqual(range)
    }
  })

  it('keeps gate rules and takes an older version as baseline', async () => {
    await write(
      'a.yaml',
      `${yaml}  - { version: v2, path: v2.onnx }
gate:
  baseline: v1
  rules:
    - { id: robust, kind: non-inferiority, metric: robustAccuracy, margin: 0.02 }
`,
    )
    const { config } = await load('a.yaml')
    expect(config.gate?.baseline).toBe('v1')
    expect(config.gate?.rules).toMatchObject([
      { id: 'robust', kind: 'non-inferiority', margin: 0.02 },
    ])
  })

  const bad: readonly [string, Record<string, string>, string | undefined, string, string][] = [
    ['no file', {}, undefined, 'GNT_FILE', 'gauntlet init'],
    [
      'two files',
      { 'gauntlet.config.json': json, 'gauntlet.config.yaml': yaml },
      undefined,
      'GNT_CONFIG',
      'gauntlet.config.json, gauntlet.config.yaml',
    ],
    ['a path to nothing', {}, 'none.json', 'GNT_FILE', 'none.json'],
    ['a folder', {}, '.', 'GNT_FILE', 'a folder'],
    ['another kind of file', { 'a.toml': 'x = 1' }, 'a.toml', 'GNT_CONFIG', '.yaml'],
    ['broken JSON', { 'a.json': '{"data": ' }, 'a.json', 'GNT_CONFIG', 'a.json'],
    ['broken YAML', { 'a.yaml': 'data: [1\nmodels: 2' }, 'a.yaml', 'GNT_CONFIG', 'at line'],
    ['a key twice', { 'a.yaml': `${yaml}data: other.npz\n` }, 'a.yaml', 'GNT_CONFIG', 'unique'],
    ['broken TypeScript', { 'a.ts': 'export default {' }, 'a.ts', 'GNT_CONFIG', 'a.ts'],
    [
      'a module that throws',
      { 'a.ts': 'throw new Error("no luck")' },
      'a.ts',
      'GNT_CONFIG',
      'no luck',
    ],
    [
      'a module without a default',
      { 'a.ts': 'export const x = 1' },
      'a.ts',
      'GNT_CONFIG',
      'export default defineConfig',
    ],
    [
      'a missing import',
      { 'a.ts': 'import x from "./none.js"\nexport default x' },
      'a.ts',
      'GNT_CONFIG',
      'none.js',
    ],
    ['a huge file', { 'a.json': ' '.repeat(1_000_001) }, 'a.json', 'GNT_CONFIG', '1000001 bytes'],
    [
      'an alias bomb',
      {
        'a.yaml': `a: &a [${'x,'.repeat(9)}]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]\n`,
      },
      'a.yaml',
      'GNT_CONFIG',
      'alias',
    ],
  ]
  it.each(bad)('%s is one line', async (_label, files, path, code, says) => {
    for (const [name, text] of Object.entries(files)) await write(name, text)
    const error = await load(path).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ name: 'GauntletError', code, exitCode: 2 })
    expect(String(error)).toContain(says)
    expect(String(error)).not.toContain('\n')
  })
})

const plugin = `import { defineAttack } from 'gauntlet/plugin'
import { z } from 'zod'
export default defineAttack({
  id: 'still', version: 1, title: 'Nothing', source: 'none', kind: 'control', needs: [], norms: ['linf'],
  goals: ['untargeted'], restarts: 1, params: z.object({}), label: () => 'still', async run() {},
})
`

const poison = `
import { z } from 'zod'
export default {
  id: 'flip-all', version: 1, title: 'Flip', source: 'none', goal: 'availability', labels: 'changed', from: 'any',
  needs: [], params: z.object({}), label: () => 'flip all',
  async poison({ eligible, budget, train }) {
    const samples = [...eligible.slice(0, budget)].map((index) => ({ index, label: (train.labels[index] + 1) % train.classes }))
    return { samples }
  },
}
`

describe('loadPlugins', () => {
  it('loads one attack, or a list', async () => {
    await write('one.ts', plugin)
    await write(
      'two.ts',
      `import one from './one.ts'\nexport default [one, { ...one, id: 'other' }]`,
    )
    const paths = ['one.ts', 'two.ts'].map((name) => join(folder, name))
    const { attacks, poisons } = await loadPlugins(paths, folder)
    expect(attacks.map(({ id }) => id)).toEqual(['still', 'still', 'other'])
    expect(poisons).toEqual([])
  })

  it('loads poisons, alone or beside attacks', async () => {
    await write('poison.ts', poison)
    await write('attack.ts', plugin)
    await write(
      'mixed.ts',
      `import poison from './poison.ts'\nimport attack from './attack.ts'\nexport default [poison, attack]`,
    )
    const paths = ['poison.ts', 'mixed.ts'].map((name) => join(folder, name))
    const { attacks, poisons } = await loadPlugins(paths, folder)
    expect(attacks.map(({ id }) => id)).toEqual(['still'])
    expect(poisons.map(({ id }) => id)).toEqual(['flip-all', 'flip-all'])
  })

  it.each([
    ['half.ts', poison.replace("from: 'any',", ''), 'half.ts: from'],
    ['nothing.ts', 'export const x = 1', 'no default export'],
    ['part.ts', 'export default { id: "x" }', 'part.ts: version'],
    ['wrong.ts', plugin.replace(`['linf']`, `['l7']`), 'norms[0]'],
    ['data.json', '{}', 'a .ts'],
    ['throws.ts', 'throw new Error("no luck")', 'no luck'],
  ])('%s is refused', async (name, text, says) => {
    await write(name, text)
    const error = await loadPlugins([join(folder, name)], folder).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'GNT_CONFIG' })
    expect(String(error)).toContain(name)
    expect(String(error)).toContain(says)
    expect(String(error)).not.toContain('\n')
  })
})
