import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
let folder: string

const strictest = {
  target: 'es2022',
  module: 'nodenext',
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  types: [],
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gauntlet-pack-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it(
  'packs, installs elsewhere from the registry alone, and runs there',
  { timeout: 300_000 },
  async () => {
    await run('npm', ['pack', '--pack-destination', folder], { cwd: root })
    const [archive] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
    expect(archive).toBeDefined()
    const { stdout: listed } = await run('tar', ['tzf', join(folder, archive!)])
    expect(listed).toContain('package/suites/demo/glyphs-v1.onnx')
    expect(listed).not.toMatch(/package\/(test|node_modules|\.ci)\//)

    await writeFile(
      join(folder, 'package.json'),
      '{"name":"elsewhere","private":true,"type":"module"}',
    )
    // Scripts off: the only one among the dependencies would download GPU libraries from outside the registry.
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', `./${archive}`], {
      cwd: folder,
    })
    const gauntlet = join(folder, 'node_modules/.bin/gauntlet')
    const { stdout: version } = await run(gauntlet, ['--version'], { cwd: folder })
    expect(version.trim()).toMatch(/^\d+\.\d+\.\d+$/)

    const model = 'node_modules/gauntlet/suites/demo/glyphs-v2.onnx'
    const args = [
      'attack',
      model,
      '--data',
      'glyphs',
      '--limit',
      '32',
      '--eps',
      '16/255',
      '--steps',
      '5',
      '--json',
    ]
    const { stdout } = await run(gauntlet, args, { cwd: folder })
    const result = JSON.parse(stdout) as {
      samples: number
      cleanAccuracy: number
      robustAccuracy: number
    }
    expect(result.samples).toBe(32)
    expect(result.robustAccuracy).toBeLessThan(result.cleanAccuracy)

    await writeFile(
      join(folder, 'use.mjs'),
      `import { defineConfig } from 'gauntlet'
     import { defineAttack } from 'gauntlet/plugin'
     import { openKit } from 'gauntlet/plugin-kit'
     console.log(typeof defineConfig, typeof defineAttack, typeof openKit)`,
    )
    const { stdout: types } = await run('node', ['use.mjs'], { cwd: folder })
    expect(types.trim()).toBe('function function function')

    // Attacks of one's own: written, type-checked by the strictest settings, tested from both sides.
    for (const kind of ['gradient-arrays', 'fused', 'scores'])
      await run(gauntlet, ['plugins', 'new', `my-${kind}`, '--kind', kind], { cwd: folder })
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: strictest }))
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], { cwd: folder })
    const { stdout: tested } = await run(gauntlet, ['plugins', 'test', 'my-fused.ts'], {
      cwd: folder,
    })
    expect(tested).toMatch(/checks, all hold/)
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env
    const { stdout: own } = await run('node', ['--test', 'my-gradient-arrays.test.mjs'], {
      cwd: folder,
      env,
    })
    expect(own).toMatch(/^# fail 0$/m)
  },
)
