import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeParameters } from '../../../src/attack/parameters.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { loadConfig } from '../../../src/config/load.js'
import { loadPlugins } from '../../../src/config/load-plugins.js'
import { locatePlugin } from '../../../src/config/locate-plugin.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gauntlet-plugins-'))
})
afterEach(() => rm(folder, { recursive: true }))

const zodFolder = join(import.meta.dirname, '../../../node_modules/zod')

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}

const attackWith = (params: string): string => `{
  id: 'own', version: 1, title: 'Own', source: 'none', kind: 'control', needs: ['labels'], norms: ['linf'],
  goals: ['untargeted'], restarts: 1, params: ${params}, label: ({ tries }) => 'own-' + tries,
  async run(context) { await context.score() },
}`
const params = "z.object({ tries: z.number().int().min(1).default(3).describe('how often') })"
const es = `import { z } from 'zod'\nexport default ${attackWith(params)}\n`
const typed = es.replace('({ tries })', '({ tries }: { tries: number })')

const load = async (name: string) =>
  (await loadPlugins([locatePlugin(name, folder)], folder)).attacks

/** What of a plugin's parameters reaches the rest of the program. */
async function expectOwn(name: string): Promise<void> {
  const plugins = await load(name)
  expect(plugins.map(({ id }) => id)).toEqual(['own'])
  const registry = new AttackRegistry(plugins)
  expect(registry.specify('own')).toMatchObject({ params: { tries: 3 }, label: 'own-3' })
  expect(registry.specify('own', { tries: 7 }).label).toBe('own-7')
  const says = (given: Record<string, unknown>) => {
    try {
      registry.specify('own', given)
      return ''
    } catch (error) {
      return String(error)
    }
  }
  expect(says({ tries: 0 })).toContain('parameter tries of own')
  expect(says({ tries: 0 })).toContain('at least 1')
  expect(says({ triess: 1 })).toContain('did you mean tries?')
  expect(describeParameters(plugins[0]!)).toEqual([
    { name: 'tries', type: 'whole number from 1', default: 3, describe: 'how often' },
  ])
}

describe('a plugin', () => {
  const packages: readonly [string, string, Record<string, string>][] = [
    ['a file', './own.ts', { 'own.ts': typed }],
    ['a file without a dot', 'own.ts', { 'own.ts': typed }],
    [
      'an ES package',
      'gauntlet-attack-own',
      {
        'node_modules/gauntlet-attack-own/package.json':
          '{"type": "module", "exports": {"import": "./lib/index.js"}}',
        'node_modules/gauntlet-attack-own/lib/index.js': es,
      },
    ],
    [
      'a package with a scope and a path, in a folder above',
      '@team/attacks/own',
      {
        'node_modules/@team/attacks/package.json': '{"exports": {"./own": "./own.mjs"}}',
        'node_modules/@team/attacks/own.mjs': es,
      },
    ],
    [
      'a CommonJS package',
      'own',
      {
        'node_modules/own/package.json': '{"main": "./main.js"}',
        'node_modules/own/main.js': `const { z } = require('zod')\nmodule.exports = ${attackWith(params)}\n`,
      },
    ],
    [
      'a package compiled to CommonJS, for require only',
      'own',
      {
        'node_modules/own/package.json': '{"exports": {"require": "./main.cjs"}}',
        'node_modules/own/main.cjs': `Object.defineProperty(exports, '__esModule', { value: true })\nconst { z } = require('zod')\nexports.default = ${attackWith(params)}\n`,
      },
    ],
    [
      'a package that holds TypeScript',
      'own',
      {
        'node_modules/own/package.json': '{"type": "module", "exports": "./own.ts"}',
        'node_modules/own/own.ts': typed,
      },
    ],
    [
      'a package that is called as a file might be',
      'own.js',
      {
        'node_modules/own.js/package.json': '{"type": "module", "exports": "./index.js"}',
        'node_modules/own.js/index.js': es,
      },
    ],
  ]
  it.each(packages)('may be %s', async (_, name, files) => {
    await write(files)
    await expectOwn(name)
  })

  it.each([
    ['index.js', params],
    ['v4/index.js', params],
    [
      'mini/index.js',
      "z.object({ tries: z._default(z.int().check(z.gte(1)), 3).check(z.describe('how often')) })",
    ],
  ])('may bring its own copy of zod: %s', async (entry, written) => {
    await cp(zodFolder, join(folder, 'node_modules/own/zod'), { recursive: true })
    await write({
      'node_modules/own/package.json': '{"type": "module", "exports": "./index.js"}',
      'node_modules/own/index.js': `import * as z from './zod/${entry}'\nexport default ${attackWith(written)}\n`,
    })
    await expectOwn('own')
  })

  it.each([
    [
      'zod 3',
      'z.object({ tries: z.number().default(3) })',
      /params.*got a schema of zod 3, expected one of zod 4/,
    ],
    ['no schema', '{ tries: 3 }', /params.*got \{"tries":3\}, expected a schema of zod 4/],
    [
      'what only looks like one',
      '{ safeParse() {}, _zod: {} }',
      /params.*expected a schema of zod 4/,
    ],
    ['none', 'undefined', /params/],
  ])('whose parameters are %s is refused in one line', async (_, written, says) => {
    await cp(join(zodFolder, 'v3'), join(folder, 'zod3'), { recursive: true })
    await write({
      'own.mjs': `import { z } from './zod3/index.js'\nexport default ${attackWith(written)}\n`,
    })
    const error = await load('own.mjs').catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'GNT_CONFIG', exitCode: 2 })
    expect(String(error)).toMatch(says)
    expect(String(error)).toContain('own.mjs')
    expect(String(error)).not.toContain('\n')
  })

  it.each([
    [
      'gauntlet-attack-none',
      /no such plugin package \(gauntlet-attack-none\).*npm install gauntlet-attack-none/,
    ],
    ['@team/none', /no such plugin package \(@team\/none\)/],
    ['./none.ts', /no such plugin file \(none\.ts\); check the path/],
    ['broken', /node_modules\/broken\/index\.js.*Cannot find (package|module) 'is-not-there'/],
    ['throws', /node_modules\/throws\/index\.js.*no luck/],
    ['empty', /node_modules\/empty\/index\.js.*/],
  ])('%s is refused in one line', async (name, says) => {
    await write({
      'node_modules/broken/package.json': '{"type": "module", "exports": "./index.js"}',
      'node_modules/broken/index.js': `import 'is-not-there'\n${es}`,
      'node_modules/throws/package.json': '{"type": "module", "exports": "./index.js"}',
      'node_modules/throws/index.js': `throw new Error('no luck\\nat all')`,
      'node_modules/empty/package.json': '{"type": "module", "exports": "./index.js"}',
      'node_modules/empty/index.js': 'export const x = 1\n',
    })
    const error = await load(name).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'GNT_CONFIG', exitCode: 2 })
    expect(String(error)).toMatch(says)
    expect(String(error)).not.toContain('\n')
  })

  it('of a configuration is found from its folder, and loaded when it is needed', async () => {
    await write({
      'inner/gauntlet.config.yaml':
        'data: glyphs\nmodels: [{ version: v1, path: v1.onnx }]\nplugins: [own, ./file.ts, later]\n',
      'node_modules/own/package.json': '{"exports": "./own.mjs"}',
      'node_modules/own/own.mjs': es,
    })
    const { config } = await loadConfig('inner/gauntlet.config.yaml', folder)
    expect(config.plugins).toEqual([
      join(folder, 'node_modules/own/own.mjs'),
      join(folder, 'inner/file.ts'),
      'later',
    ])
  })

  it('that is called as a built-in attack is refused', async () => {
    await write({ 'own.mjs': es })
    const [own] = await load('own.mjs')
    const twice = () => new AttackRegistry([own!, own!])
    expect(twice).toThrow(/two attacks are called own; give/)
  })
})
