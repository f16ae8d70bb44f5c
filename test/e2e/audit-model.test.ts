import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ModelAudit } from '../../src/audit/model/result.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { runCli, startCli } from '../helpers/cli.js'
import { cleanGraph, plantedGraph, plantedSamples, plantedTarget } from '../helpers/planted.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gauntlet-audit-'))
  writeFileSync(join(folder, 'v12.onnx'), encodeModel(cleanGraph()))
  writeFileSync(join(folder, 'v13.onnx'), encodeModel(plantedGraph()))
  writeFileSync(join(folder, 'clean.npz'), plantedSamples())
  const lambda = { class_name: 'Lambda', config: { name: 'evil' } }
  const keras = { class_name: 'Sequential', config: { layers: [lambda] } }
  writeFileSync(join(folder, 'model.json'), JSON.stringify(keras))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (...args: string[]) => runCli(['audit', 'model', ...args], folder)
const quick = ['--data', 'clean.npz', '--seeds', '1', '--steps', '120']

describe('gauntlet audit model', () => {
  it('names the class, writes page and pictures, and fails only where it is asked to', async () => {
    const more = ['--previous', 'v12.onnx', '--out', 'out', '--fail-on', 'flagged']
    const { code, stdout, stderr } = await run('v13.onnx', ...quick, ...more)
    expect({ code, stderr }).toEqual({ code: 10, stderr: expect.stringMatching(/^searching/) })
    expect(stdout).toMatch(/^v13\.onnx: a small trigger leads to class 4/)
    expect(stdout).toMatch(/^4 .*FLAGGED \(patch/m)
    expect(stdout).toContain('since v12.onnx: ')
    const files = readdirSync(join(folder, 'out'))
    expect(files).toEqual(expect.arrayContaining(['audit.html', 'audit.json', 'class-4-patch.png']))
    expect(files).toHaveLength(14)
    const page = readFileSync(join(folder, 'out/audit.html'), 'utf8')
    expect(page).toContain('A small trigger leads to class 4')
    const audit = JSON.parse(readFileSync(join(folder, 'out/audit.json'), 'utf8')) as ModelAudit
    expect(audit.flagged).toEqual([plantedTarget])
  }, 180_000)

  it('prints one JSON value, and ends with 0 for a clean model', async () => {
    const { code, stdout, stderr } = await run('v12.onnx', ...quick, '--json', '--fail-on', 'flagged') // prettier-ignore
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ status: 'complete', flagged: [] })
  }, 180_000)

  it('scans a Keras file without running it: a finding, and no pass', async () => {
    expect(await run('model.json')).toMatchObject({ code: 0, stderr: '' })
    const { code, stdout } = await run('model.json', '--fail-on', 'flagged')
    expect(code).toBe(10)
    expect(stdout).toMatch(/lambda-layer +layer evil: the file carries code/)
    writeFileSync(join(folder, 'plain.json'), JSON.stringify({ class_name: 'Model', config: {} }))
    expect((await run('plain.json', '--fail-on', 'flagged')).code).toBe(11)
  }, 60_000)

  it('compares weights and layers without samples', async () => {
    const { code, stdout } = await run('v13.onnx', '--previous', 'v12.onnx', '--declared', 'head')
    expect(code).toBe(0)
    expect(stdout).toMatch(/error +graph-changed/)
    expect(stdout).toContain('6 nodes added')
  }, 60_000)

  it('interrupted: ends with 130 and has written nothing', async () => {
    const args = ['v13.onnx', '--data', 'clean.npz', '--out', 'never', '--seeds', '99']
    const child = startCli(['audit', 'model', ...args], folder)
    await child.seen(/searching/)
    child.kill('SIGINT')
    const { code, stderr } = await child.done
    expect(code).toBe(130)
    expect(stderr).toContain('interrupted; nothing was written')
    expect(existsSync(join(folder, 'never'))).toBe(false)
  }, 60_000)

  it.each([
    ['no such file', ['none.onnx'], /GNT_FILE: the model cannot be read/],
    ['no model', [], /GNT_USAGE: missing MODEL; see gauntlet audit model --help/],
    ['too few steps', ['v13.onnx', '--steps', '19'], /a whole number from 20/],
    ['--declared alone', ['v13.onnx', '--declared', 'head'], /needs a version to compare with/],
    ['an option misspelt', ['v13.onnx', '--sed', '1'], /did you mean --seed/],
    ['an out that is a file', ['v13.onnx', '--out', 'v12.onnx'], /the audit cannot be written/],
  ])(
    'refuses %s in one line',
    async (_, args, message) => {
      const { code, stdout, stderr } = await run(...args)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr.trim().split('\n')).toHaveLength(1)
      expect(stderr).toMatch(message)
    },
    60_000,
  )

  it('says in its help what values may be', async () => {
    const { stdout } = await run('--help')
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('200 for additive triggers); at least 20')
  }, 60_000)

  it('says what can be audited', async () => {
    const { code, stderr } = await runCli(['audit'], folder)
    expect(code).toBe(2)
    expect(stderr).toMatch(/name what to audit: data or model/)
  }, 60_000)
})
