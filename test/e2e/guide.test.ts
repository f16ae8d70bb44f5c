import { execFile } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const guide = readFileSync(join(root, 'attacks/GUIDE.md'), 'utf8')
const blocks = [...guide.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, text]) => ({
  language: language!,
  text: text!,
}))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gauntlet-guide-'))
  // As npm would install it: the test of the package does so.
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules/gauntlet'))
  symlinkSync(join(root, 'node_modules/zod'), join(folder, 'node_modules/zod'))
  const program = join(folder, 'node_modules/.bin/gauntlet')
  writeFileSync(
    program,
    `#!/bin/sh\nexec "${process.execPath}" "${root}/dist/src/cli/main.js" "$@"\n`,
  )
  chmodSync(program, 0o755)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function shell(line: string): Promise<Ran> {
  return new Promise((resolve) => {
    // As from a fresh terminal: these tests' own processes are told more.
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env
    execFile('sh', ['-c', line], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })
}

it('fits two pages', () => {
  expect(guide.split('\n').length).toBeLessThanOrEqual(125)
})

it('works from top to bottom', { timeout: 300_000 }, async () => {
  const commands: string[] = []
  for (const { language, text } of blocks) {
    if (language !== 'sh') {
      const [, name] = /^(?:\/\/|#) (\S+)\n/.exec(text) ?? []
      expect(name, text).toBeDefined()
      writeFileSync(join(folder, name!), text)
      continue
    }
    for (const line of text.trim().split('\n')) {
      if (line.startsWith('npm ')) continue
      const { code, stdout, stderr } = await shell(line)
      const expected = Number(/# exits with (\d+)/.exec(line)?.[1] ?? 0)
      expect(code, `${line}\n${stdout}\n${stderr}`).toBe(expected)
      commands.push(line)
      if (/plugins test/.test(line)) {
        expect(stdout).toMatch(/checks, all hold/)
        const [, said] = /(\d+) checks/.exec(line) ?? []
        if (said !== undefined) expect(stdout).toContain(`${said} checks, all hold`)
      }
      if (line.startsWith('node --test')) expect(stdout).toMatch(/^# fail 0$/m)
    }
  }
  expect(commands.length).toBe(8)
  const report = JSON.parse(readFileSync(join(folder, 'gauntlet-report/report.json'), 'utf8')) as {
    schema: string
  }
  expect(JSON.stringify(report)).toContain('sign-walk-fused-20')
})

it('its attacks fit their types', async () => {
  const strictest =
    '--noEmit --strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes --noPropertyAccessFromIndexSignature'
  const { code, stdout } = await shell(
    `"${process.execPath}" "${root}/node_modules/typescript/bin/tsc" ${strictest} --target es2022 --module nodenext --allowImportingTsExtensions --types '' sign-walk.ts sign-walk-fused.ts`,
  )
  expect(code, stdout).toBe(0)
})

it(
  'an attack is shared as a package, which the workers load too',
  { timeout: 120_000 },
  async () => {
    const own = join(folder, 'node_modules/gauntlet-attack-walk')
    mkdirSync(own)
    writeFileSync(join(own, 'package.json'), '{"type": "module", "exports": "./walk.ts"}')
    writeFileSync(join(own, 'walk.ts'), readFileSync(join(folder, 'sign-walk.ts')))
    const [line] = guide.match(/^npx gauntlet attack .*$/m)!
    const { code, stdout, stderr } = await shell(
      line.replace('--plugin sign-walk.ts', '--plugin gauntlet-attack-walk --json'),
    )
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ attack: 'sign-walk', samples: 50 })
  },
)
