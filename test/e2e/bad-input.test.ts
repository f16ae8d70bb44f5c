import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../helpers/cli.js'
import { badCommandLines, badConfigs, writeInputs } from '../helpers/bad-inputs.js'

describe('bad input: one line, exit 2, nothing written', () => {
  let root: string
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'gauntlet-bad-'))
    await writeInputs(join(root, 'inputs'))
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  const cases = { ...badCommandLines, ...badConfigs }

  it('has cases enough', () => {
    expect(Object.keys(cases).length).toBeGreaterThanOrEqual(36)
  })

  describe.concurrent('each', () => {
    for (const [name, bad] of Object.entries(cases))
      it(name, async ({ expect }) => {
        const work = join(root, name.replace(/\W+/g, '-'))
        const temporary = join(work, 'tmp')
        mkdirSync(temporary, { recursive: true })
        for (const [file, content] of Object.entries(bad.files ?? {}))
          writeFileSync(join(work, file), content)
        const before = listing(root, work)
        const { args } = bad
        const result = await runCli(args, work, { TMPDIR: temporary, HOME: temporary })
        expect(result).toEqual({
          code: 2,
          signal: null,
          stdout: '',
          stderr: expect.stringMatching(/^gauntlet: error GNT_[A-Z_]+: [^\n]+\n$/),
        })
        expect(result.stderr).toMatch(bad.says)
        expect(result.stderr).toContain(`error ${bad.code}:`)
        expect(result.stderr).not.toMatch(/\n\s+at |undefined|\[object/)
        expect(listing(root, work)).toEqual(before)
      })
  })
})

/** Every file of the working folder and of the inputs, with size and time of change. */
function listing(from: string, work: string): string[] {
  return [join(from, 'inputs'), work].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .sort()
      .map((path) => {
        const file = statSync(join(folder, path))
        return file.isDirectory() ? path : `${path} ${file.size} ${file.mtimeMs}`
      }),
  )
}
