import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawGlyphs } from '../../src/data/glyphs.js'
import { writeNpz } from '../../src/data/npz-write.js'
import { runCli, startCli } from '../helpers/cli.js'

let folder: string
const count = 300
const run = (...args: string[]) => runCli(['audit', 'data', ...args], folder)

/** Half the pictures' labels are wrong from 280 on; two pictures of 10 and 11 are the same. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gauntlet-audit-'))
  const { values, labels } = drawGlyphs({ count, seed: 3 })
  const save = (name: string, y: Int32Array, x = values): void =>
    writeFileSync(
      join(folder, name),
      writeNpz({ x: { shape: [count, 1, 28, 28], data: x }, y: { shape: [count], data: y } }),
    )
  save('old.npz', labels)
  const wrong = labels.map((label, i) => (i >= 280 ? (label + 1) % 10 : label))
  const twins = values.slice()
  twins.copyWithin(11 * 784, 10 * 784, 11 * 784)
  save('new.npz', wrong, twins)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('gauntlet audit data', () => {
  it('writes suspects with reasons, a page and a summary', async () => {
    const { code, stdout } = await run(
      'new.npz',
      '--previous=old.npz',
      '--control=old.npz',
      '--detectors=near-duplicates',
      '--out=s.csv',
      '--report=page',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/near-duplicates +2 .* used/)
    expect(stdout).toContain('1 added, 1 removed, 20 relabelled, 279 kept (0 at another place)')
    const csv = readFileSync(join(folder, 's.csv'), 'utf8').split('\n')
    expect(csv[0]).toBe('rank,index,label,class,detectors,detector,score,threshold,reason')
    expect(csv.some((line) => /near-duplicates,.*equal to 11 \(label \d\)/.test(line))).toBe(true)
    expect(csv.filter((line) => line.includes('in the previous version'))).toHaveLength(20)
    const page = readFileSync(join(folder, 'page/audit-data.html'), 'utf8')
    expect(page).toContain('data:image/png;base64,')
    expect(page).toContain('equal to 11')
    const json = JSON.parse(readFileSync(join(folder, 'page/audit-data.json'), 'utf8'))
    expect(json.versions).toMatchObject({ relabelled: 20, added: 1 })
  })

  it('reads as much of the other data as of its own', async () => {
    const limited = ['old.npz', '--previous', 'old.npz', '--limit', '200']
    const detectors = ['--detectors', 'near-duplicates, label-conflict', 'near-duplicates']
    const { code, stdout } = await run(...limited, ...detectors, '--out', 'deep/er/s.csv')
    expect(code).toBe(0)
    expect(stdout).toContain('0 added, 0 removed, 0 relabelled, 200 kept')
    expect(stdout).toMatch(/^label-conflict /m)
    expect(existsSync(join(folder, 'deep/er/s.csv'))).toBe(true)
  })

  it('trains a network where a detector needs one', async () => {
    const { code, stdout } = await run('old.npz', '--detectors', 'spectral-signatures', '--json')
    expect(code).toBe(0)
    const audit = JSON.parse(stdout)
    expect(audit.model).toBe('trained here')
    expect(audit.detectors[0]).toMatchObject({
      id: 'spectral-signatures',
      status: 'used',
      control: { kind: 'normal' },
    })
  }, 120_000)

  it.each([
    [['none.npz'], 'GNT_FILE'],
    [['--sed', '1'], 'GNT_USAGE: .*; see gauntlet audit data --help'],
    [['old.npz', '--out', 'old.npz/s.csv'], 'GNT_FILE: the suspects cannot be written'],
    [['old.npz', '--detectors', 'spectrl'], 'GNT_DETECTOR: no detector is called spectrl'],
    [['old.npz', '--false-positive-rate', '0'], 'GNT_USAGE: wrong value \\(--false-positive-rate'],
    [['old.npz', '--out', 'old.npz'], 'GNT_USAGE: --out would overwrite what is audited'],
    [['old.npz', '--model', 'old.npz'], 'GNT_MODEL_FORMAT'],
    [['old.npz', '--report', 'old.npz'], 'GNT_FILE: the report cannot be written'],
  ])('%o is one line: %s', async (args, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(new RegExp(message))
    expect(
      stderr
        .trim()
        .split('\n')
        .filter((line) => line.includes('error')),
    ).toHaveLength(1)
  })

  it('leaves nothing behind when it is interrupted', async () => {
    const cli = startCli(
      ['audit', 'data', 'new.npz', '--out', 'never.csv', '--report', 'never'],
      folder,
    )
    await cli.seen(/training/)
    cli.kill('SIGINT')
    expect((await cli.done).code).toBe(130)
    expect(existsSync(join(folder, 'never'))).toBe(false)
    expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([])
  })
})
