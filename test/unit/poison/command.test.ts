import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadDataset } from '../../../src/data/load.js'
import { takeSamples } from '../../../src/data/dataset.js'
import { encodeStored } from '../../../src/data/stored-npz.js'
import { GauntletError } from '../../../src/errors.js'
import { trainByCommand, type CommandTraining } from '../../../src/poison/command.js'
import { convModel } from '../../helpers/tiny-models.js'

/** What the command does, as a script of Node. */
const does = (code: string): CommandTraining => ({
  command: [process.execPath, '-e', code, '{data}', '{out}', '{base}', '{seed}', '{folder}'],
  shell: false,
  timeoutSeconds: 30,
  cwd: process.cwd(),
  keepFolder: false,
})
const copies = `
const { copyFileSync, writeFileSync } = require('node:fs')
const [data, out, base, seed, folder] = process.argv.slice(1)
copyFileSync(base, out)`

const workFolders = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('gauntlet-train-'))

/** What a command of this kind wrote down: the process ids of its group. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // A zombie is not alive, though it can be signalled.
    return !/\nState:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

const pidsIn = (file: string): number[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : []

/** A command with a child that would outlive it. */
const lingers = (file: string, end: string): CommandTraining => ({
  ...does(''),
  command: ['sh', '-c', `sleep 1000 & printf '%s %s' $$ $! > '${file}'; ${end}`, '{data}', '{out}'],
})

describe.skipIf(process.platform === 'win32')('trainByCommand', () => {
  let place: string
  let base: string
  let npz: Uint8Array
  const { TMPDIR } = process.env
  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'gauntlet command-'))
    // Work folders of other programs are none of ours.
    process.env['TMPDIR'] = place
    base = join(place, 'v1.onnx')
    writeFileSync(base, await convModel({ seed: 1 }))
    const data = await loadDataset({ path: 'glyphs', limit: 4 })
    npz = encodeStored(data, takeSamples(data, [0, 1, 2, 3]), data.labels)
  })
  afterAll(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
    rmSync(place, { recursive: true })
  })

  const train = (training: CommandTraining, signal?: AbortSignal) =>
    trainByCommand(training, { data: npz, base, seed: 7, signal })
  it('reads what the command leaves, and removes the folder', async () => {
    const before = workFolders()
    const seen = join(place, 'seen.json')
    const graph = await train(
      does(`${copies}
const same = (a, b) => require('node:path').dirname(a) === b
writeFileSync(${JSON.stringify(seen)}, JSON.stringify([seed, same(data, folder), same(out, folder)]))`),
    )
    expect(graph.inputs).toHaveLength(1)
    expect(JSON.parse(readFileSync(seen, 'utf8'))).toEqual(['7', true, true])
    expect(workFolders()).toEqual(before)
  })

  it('gives data as the data set has them', async () => {
    const kept = join(place, 'kept.npz')
    await train(does(`${copies}\ncopyFileSync(data, ${JSON.stringify(kept)})`))
    const [own, theirs] = [
      await loadDataset({ path: kept, classes: 10 }),
      await loadDataset({ path: 'glyphs', limit: 4 }),
    ]
    expect(own.digest).toBe(theirs.digest)
    expect(own.values).toBeInstanceOf(Uint8Array)
  })

  it('needs a shell to be asked for', async () => {
    const line = `cp {base} {out} && true`
    await expect(train({ ...does(''), command: line, shell: true })).resolves.toBeDefined()
    await expect(train({ ...does(''), command: line.split(' ') })).rejects.toThrow(/exit code/)
  })

  it.each<[string, string, RegExp]>([
    [
      'fails',
      `console.log('epoch 1'); console.error('no memory'); process.exit(3)`,
      /training command ended with exit code 3 .*: got last lines: epoch 1 \| no memory/,
    ],
    ['leaves nothing', `console.log('done')`, /left no ONNX file at \{out\} .*last lines: done/],
    [
      'leaves something else',
      `require('fs').writeFileSync(process.argv[2], 'hello')`,
      /is no ONNX model/,
    ],
    ['is killed', `process.kill(process.pid, 'SIGKILL')`, /exit code 137 .*nothing printed/],
  ])('says so when it %s', async (_how, code, message) => {
    const before = workFolders()
    const call = train(does(code))
    await expect(call).rejects.toThrow(message)
    await expect(call).rejects.toMatchObject({ code: 'GNT_TRAINING' })
    expect(workFolders()).toEqual(before)
  })

  it('shows the end of a long log only', async () => {
    const call = train(
      does(`for (let i = 0; i < 1e4; i++) console.log('line ' + i); process.exit(1)`),
    )
    const error = (await call.catch((error: unknown) => error)) as GauntletError
    expect(error.message).toContain('line 9999')
    expect(error.message.length).toBeLessThan(900)
  })

  it('names a program that is not there', async () => {
    const call = train({ ...does(''), command: ['no-such-program-x', '{data}', '{out}'] })
    await expect(call).rejects.toThrow(/exit code 127 .*no-such-program-x/)
  })

  it('ends the whole group of a command that takes too long', async () => {
    const file = join(place, 'late.txt')
    const call = train({ ...lingers(file, 'wait'), timeoutSeconds: 3 })
    await expect(call).rejects.toThrow(/took longer than 3 s and was ended/)
    const pids = pidsIn(file)
    expect(pids).toHaveLength(2)
    await expect.poll(() => pids.filter(isAlive)).toEqual([])
  })

  it('ends what a command that is done leaves running', async () => {
    const file = join(place, 'left.txt')
    await expect(train(lingers(file, 'exit 0'))).rejects.toThrow(/left no ONNX file/)
    expect(pidsIn(file)).toHaveLength(2)
    await expect.poll(() => pidsIn(file).filter(isAlive)).toEqual([])
  })

  it('ends the group at once when the run is interrupted', async () => {
    const file = join(place, 'interrupted.txt')
    const before = workFolders()
    const controller = new AbortController()
    const call = train(lingers(file, 'wait'), controller.signal)
    const refused = expect(call).rejects.toMatchObject({ code: 'GNT_INTERRUPTED' })
    await expect.poll(() => pidsIn(file).length, { timeout: 20_000 }).toBe(2)
    controller.abort(new GauntletError('GNT_INTERRUPTED', { what: 'interrupted' }))
    await refused
    await expect.poll(() => pidsIn(file).filter(isAlive)).toEqual([])
    expect(workFolders()).toEqual(before)
  })

  it('leaves nothing running when the process that asked for it is killed', async () => {
    const file = join(place, 'orphans.txt')
    const guard = join(process.cwd(), 'dist/src/poison/command-guard.js')
    const command = [guard, 'plain', ...lingers(file, 'wait').command]
    const parent = spawn(process.execPath, [
      '-e',
      `require('node:child_process').spawn(process.execPath, ${JSON.stringify(command)}, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })`,
    ])
    await expect.poll(() => pidsIn(file).length, { timeout: 20_000 }).toBe(2)
    expect(pidsIn(file).filter(isAlive)).toHaveLength(2)
    parent.kill('SIGKILL')
    await expect.poll(() => pidsIn(file).filter(isAlive), { timeout: 10_000 }).toEqual([])
  })

  it('keeps the folder when it is told to, and says where it is', async () => {
    const before = new Set(workFolders())
    const call = train({ ...does('process.exit(1)'), keepFolder: true })
    await expect(call).rejects.toThrow(/; see .*gauntlet-train-/)
    const left = workFolders().filter((name) => !before.has(name))
    expect(left).toHaveLength(1)
    expect(readdirSync(join(tmpdir(), left[0]!)).sort()).toEqual(['data.npz', 'log.txt'])
    rmSync(join(tmpdir(), left[0]!), { recursive: true })
  })
})
