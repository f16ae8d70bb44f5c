import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../src/cli/run.js'
import { scaffoldKinds } from '../../../src/cli/scaffold/kinds.js'
import { memoryIo } from '../../helpers/memory-io.js'

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gauntlet-cli-plugins-'))
})
afterEach(() => rm(cwd, { recursive: true }))

async function run(...argv: string[]) {
  const io = memoryIo({ cwd })
  const code = await runCli(['plugins', ...argv], io)
  return { code, out: io.stdout(), err: io.stderr() }
}

/** Takes the whole shard for one: what a sample gets depends on the others. */
const bad = `import { defineAttack } from 'gauntlet/plugin'
import { z } from 'zod'
export default defineAttack({
  id: 'bad', version: 1, title: 'Bad', source: 'none', kind: 'control', needs: ['gradient'], norms: ['linf', 'l2'],
  goals: ['untargeted'], restarts: 1, params: z.object({ steps: z.int().min(1).default(1).describe('steps') }),
  label: () => 'bad',
  run: (context) => context.step({ loss: 'ce', stepSize: context.threat.epsilon / context.living }),
})
`

/** Changes one value. */
const still = (id: string) =>
  `{ ...base, id: '${id}', label: () => '${id}', run: (context) => context.propose((x, rng, out) => void (out[0] = x[0] + rng.uniform())) }`

const config = (plugins: string) =>
  `data: glyphs\nmodels: [{ version: v1, path: v1.onnx }]\nplugins: ${plugins}\n`

describe('gauntlet plugins new', () => {
  it.each(scaffoldKinds)('%s: passes its test at once', async (kind) => {
    const made = await run('new', 'my-attack', '--kind', kind)
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(made.out).toContain('wrote my-attack.ts and my-attack.test.mjs')
    expect(await readFile(join(cwd, 'my-attack.test.mjs'), 'utf8')).toContain("'./my-attack.ts'")
    const tested = await run('test', 'my-attack.ts')
    expect(tested).toMatchObject({ code: 0, err: '' })
    expect(tested.out).toMatch(/^my-attack$/m)
    expect(tested.out).toMatch(/^✓ {2}(\d+) of \1 +stays within epsilon and bounds$/m)
    expect(tested.out).toMatch(/^\d+ checks, all hold, in /m)
    expect(tested.out).not.toContain('✗')
  })

  it('writes into a folder that it makes, and says so for machines', async () => {
    const { code, out } = await run('new', 'a1', '--folder', 'x/y', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      attack: 'x/y/a1.ts',
      test: 'x/y/a1.test.mjs',
      kind: 'gradient-arrays',
    })
    expect(await readdir(join(cwd, 'x/y'))).toEqual(['a1.test.mjs', 'a1.ts'])
  })

  it.each(['ours.ts', 'ours.test.mjs'])('does not write over %s, nor beside it', async (file) => {
    await writeFile(join(cwd, file), 'mine')
    const { code, err } = await run('new', 'ours')
    expect(code).toBe(2)
    expect(err).toContain(`GNT_FILE: the file is there already (${file})`)
    expect(await readdir(cwd)).toEqual([file])
    expect(await readFile(join(cwd, file), 'utf8')).toBe('mine')
  })

  it.each([
    [['new', 'Upper'], /wrong name for an attack: got "Upper"/],
    [['new', '../up'], /wrong name/],
    [['new', 'a--b'], /wrong name/],
    [['new', '1a'], /wrong name/],
    [['new', `a${'b'.repeat(40)}`], /wrong name.*at most 40/],
    [['new', ''], /wrong name/],
    [['new', 'pgd'], /a built-in attack is called pgd/],
    [['new'], /missing NAME/],
    [['test'], /missing FILE/],
    [['new', 'x', '--kind', 'magic'], /expected one of gradient-arrays, fused, scores/],
    [['new', 'x', '--reach', '2'], /--reach means nothing here \(gauntlet plugins new\)/],
    [['test', 'x.ts', '--kind', 'fused'], /--kind means nothing here/],
    [['test', 'x.ts', '--reach', '0'], /--reach\): got "0", expected a number above 0/],
    [['remove', 'x'], /wrong value \(WHAT\): got "remove", expected one of new, test/],
    [['test', 'none.ts'], /GNT_CONFIG.*none\.ts/],
    [['test', 'gauntlet-attack-none'], /GNT_CONFIG.*no such plugin package/],
  ])('%j is one line', async (argv, says) => {
    const { code, err, out } = await run(...argv)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(says)
    expect(err.trim()).not.toContain('\n')
    expect(await readdir(cwd)).toEqual([])
  })

  it('a folder that cannot be made is one line', async () => {
    await writeFile(join(cwd, 'file'), '')
    const { code, err } = await run('new', 'x', '--folder', 'file/inner')
    expect(code).toBe(2)
    expect(err).toMatch(
      /GNT_FILE: the attack cannot be written \(file\/inner\/x\.ts\): got ENOTDIR/,
    )
  })
})

describe('gauntlet plugins test', () => {
  it('says what does not hold, where, and ends with 10', async () => {
    await writeFile(join(cwd, 'bad.ts'), bad)
    const { code, out } = await run('test', 'bad.ts')
    expect(code).toBe(10)
    expect(out).toMatch(/^✗ {2}0 of 2 +a sample fares the same whatever else is in its shard$/m)
    expect(out).toMatch(/ linf, untargeted(?: and 1 more)?: \d of 6 samples end elsewhere/)
    expect(out).toMatch(/^\d+ checks, \d+ failed, in /m)
  })

  it('prints one object for machines', async () => {
    await writeFile(join(cwd, 'bad.ts'), bad)
    const { code, out } = await run('test', './bad.ts', '--json')
    expect(code).toBe(10)
    const { ok, attacks } = JSON.parse(out) as {
      ok: boolean
      attacks: { attack: string; ok: boolean; checks: Record<string, unknown>[] }[]
    }
    expect(ok).toBe(false)
    expect(attacks).toHaveLength(1)
    expect(attacks[0]).toMatchObject({ attack: 'bad', ok: false })
    const check = 'a sample fares the same whatever else is in its shard'
    expect(attacks[0]?.checks.filter((one) => one['check'] === check)).toMatchObject([
      { where: 'linf, untargeted', ok: false, flaw: expect.stringContaining('of 6 samples') },
      { where: 'l2, untargeted', ok: false, flaw: expect.stringContaining('of 6 samples') },
    ])
  })

  it('takes a package, and several attacks at once', async () => {
    await mkdir(join(cwd, 'node_modules/two'), { recursive: true })
    await writeFile(join(cwd, 'node_modules/two/package.json'), '{"exports": "./index.mjs"}')
    await writeFile(
      join(cwd, 'node_modules/two/index.mjs'),
      `import { z } from 'zod'
const base = { version: 1, title: 't', source: 's', kind: 'control', needs: ['labels'], norms: ['l2'], goals: ['targeted'], restarts: 1, params: z.object({}) }
export default [${still('a')}, ${still('b')}]
`,
    )
    const { code, out } = await run('test', 'two')
    expect(code).toBe(0)
    expect(out.match(/^[ab]$/gm)).toEqual(['a', 'b'])
    expect(out.match(/checks, all hold/g)).toHaveLength(2)
  })

  it('hands over parameters, and refuses what the attack does not take', async () => {
    await run('new', 'x')
    const one = await run('test', 'x.ts', '--param', 'steps=10', '--param', 'decay=0')
    expect(one.code).toBe(0)
    for (const [param, says] of [
      ['stepz=1', /x has no parameter stepz.*did you mean steps\?/],
      ['steps=0', /parameter steps of x/],
      ['steps', /--param.*expected name=value/],
    ] as const) {
      const { code, err } = await run('test', 'x.ts', '--param', param)
      expect(code).toBe(2)
      expect(err).toMatch(says)
      expect(err.trim()).not.toContain('\n')
    }
  })
})

describe('gauntlet plugins', () => {
  it('lists what the configuration names', async () => {
    expect((await run()).out).toContain('there is no configuration here')
    await writeFile(join(cwd, 'gauntlet.config.yaml'), config('[]'))
    expect((await run()).out).toContain('names no plugins')
    await run('new', 'x')
    await writeFile(join(cwd, 'gauntlet.config.yaml'), config('[x.ts]'))
    const { code, out } = await run()
    expect(code).toBe(0)
    expect(out).toMatch(/^x +fixed-epsilon +gradient +linf, l2 +untargeted, targeted +Gradient/m)
    expect(JSON.parse((await run('--json')).out)).toMatchObject([{ id: 'x' }])
  })

  it('shows examples in its help', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    for (const part of ['plugins new sign-walk', 'plugins test sign-walk.ts', '--kind', '--reach'])
      expect(out).toContain(part)
  })
})
