import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { childrenOf, delay, haveLeft, runCli, startCli } from '../helpers/cli.js'
import { falsifiable, propertyFolder, unfalsifiable, writePair } from '../helpers/falsify.js'

let folder: string
beforeAll(() => {
  folder = propertyFolder()
  writePair(folder, 'tie', falsifiable['on a tie']!)
  writePair(folder, 'hill', falsifiable['on a small hill in three dimensions']!)
  writePair(folder, 'relu', unfalsifiable['relu is not below 0']!)
  writeFileSync(join(folder, 'tie.vnnlib.gz'), gzipSync(readFileSync(join(folder, 'tie.vnnlib'))))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (...args: string[]) => runCli(['falsify', ...args], folder)
const witness = 'sat\n((X_0 0.25)\n(X_1 0.25)\n(Y_0 0.25)\n(Y_1 0.25))\n'

describe('one property', () => {
  it('sat, with a witness in the form of the competition', async () => {
    expect(await run('tie.onnx', 'tie.vnnlib')).toEqual({
      code: 0,
      signal: null,
      stdout: witness,
      stderr: '',
    })
    expect((await run('tie.onnx', 'tie.vnnlib.gz')).stdout).toBe(witness)
  })

  it('unknown when the time is up', async () => {
    // What an earlier search left there must not be taken for the answer of this one.
    writeFileSync(join(folder, 'none.txt'), 'sat\n')
    const start = Date.now()
    const result = await run('relu.onnx', 'relu.vnnlib', '--timeout', '0.5', '-o', 'none.txt')
    expect(result).toEqual({ code: 0, signal: null, stdout: 'unknown\n', stderr: '' })
    expect(Date.now() - start).toBeLessThan(30_000)
    expect(readFileSync(join(folder, 'none.txt'), 'utf8')).toBe('unknown\n')
  })

  it('-o keeps the witness', async () => {
    await run('tie.onnx', 'tie.vnnlib', '-o', 'witness.txt')
    expect(readFileSync(join(folder, 'witness.txt'), 'utf8')).toBe(witness)
  })

  it('--json, and the same for the same seed', async () => {
    const { stdout } = await run('hill.onnx', 'hill.vnnlib', '--json', '--seed', '5')
    const {
      result,
      seconds,
      witness: found,
    } = JSON.parse(stdout) as {
      result: string
      seconds: number
      witness: { x: number[]; y: number[] }
    }
    expect([result, found.x.length, found.y.length]).toEqual(['sat', 3, 1])
    expect(seconds).toBeGreaterThan(0)
    const again = await run('hill.onnx', 'hill.vnnlib', '--json', '--seed', '5')
    expect((JSON.parse(again.stdout) as { witness: unknown }).witness).toEqual(found)
  })
})

describe('a list of instances', () => {
  const rows = [
    'one,tie.onnx,tie.vnnlib,9',
    'two,relu.onnx,relu.vnnlib,0.5',
    'three,hill.onnx,hill.vnnlib,9',
  ]
  beforeAll(() =>
    writeFileSync(join(folder, 'list.csv'), ['id,onnx,vnnlib,timeout_s', ...rows].join('\n')),
  )

  it('a table, and a folder of witnesses', async () => {
    const { code, stdout } = await run(
      '--instances',
      'list.csv',
      '--workers',
      '2',
      '-o',
      'found/all',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^instance +result +time\none +sat +\d+\.\d\d s\ntwo +unknown +\d+\.\d\d s\nthree +sat +\d+\.\d\d s\n2 sat, 1 unknown; [^\n]+\n$/,
    )
    const files = readdirSync(join(folder, 'found/all')).toSorted()
    expect(files).toEqual(['one.txt', 'three.txt', 'two.txt'])
    expect(readFileSync(join(folder, 'found/all/two.txt'), 'utf8')).toBe('unknown\n')
    expect(readFileSync(join(folder, 'found/all/one.txt'), 'utf8')).toBe(witness)
  })

  it('--json: a line each', async () => {
    const { code, stdout } = await run('--instances', 'list.csv', '--json', '--timeout', '1')
    const lines = stdout.trimEnd().split('\n')
    const parsed = lines.map((line) => JSON.parse(line) as { id: string; result: string })
    expect(code).toBe(0)
    expect(Object.fromEntries(parsed.map(({ id, result }) => [id, result]))).toEqual({
      one: 'sat',
      two: 'unknown',
      three: 'sat',
    })
    for (const one of parsed) expect(Object.keys(one)).toEqual(['id', 'result', 'seconds'])
  })

  it('what cannot be tried is an error, and the others go on', async () => {
    const broken = ['bad,tie.onnx,none.vnnlib', ...rows.slice(0, 1)]
    writeFileSync(join(folder, 'broken.csv'), ['id,onnx,vnnlib', ...broken].join('\n'))
    const { code, stdout, stderr } = await run('--instances', 'broken.csv', '--json')
    expect(code).toBe(3)
    const bad = stdout.split('\n').find((line) => line.includes('"bad"'))
    expect(JSON.parse(bad!)).toMatchObject({
      id: 'bad',
      result: 'error',
      reason: expect.stringMatching(/none\.vnnlib.*no such file/),
    })
    expect(stdout).toMatch(/"one","result":"sat"/)
    expect(stderr).toMatch(/^bad: [^\n]*none\.vnnlib[^\n]*no such file\n$/)
  })
})

describe('Ctrl-C', () => {
  it('one property: one line, and no file', async () => {
    const args = ['falsify', 'relu.onnx', 'relu.vnnlib', '-o', 'never.txt']
    // Before the program is up a signal ends it as it ends any other: then later.
    for (const patienceMs of [1500, 6000, 20_000]) {
      const running = startCli(args, folder)
      await delay(patienceMs)
      running.killGroup('SIGINT')
      const { code, stdout, stderr } = await running.done
      expect(stdout).toBe('')
      expect(existsSync(join(folder, 'never.txt'))).toBe(false)
      if (code === null) continue
      expect(code).toBe(130)
      expect(stderr).toMatch(/error GNT_INTERRUPTED: [^\n]*nothing was written[^\n]*\n$/)
      return
    }
    expect.fail('never up')
  }, 120_000)

  it('a list: what was printed stays, the workers leave', async () => {
    const rows = ['a,tie.onnx,tie.vnnlib', 'b,relu.onnx,relu.vnnlib', 'c,relu.onnx,relu.vnnlib']
    writeFileSync(join(folder, 'long.csv'), ['id,onnx,vnnlib', ...rows].join('\n'))
    const args = ['falsify', '--instances', 'long.csv', '--workers', '2', '-o', 'long']
    const running = startCli(args, folder)
    await until(() => existsSync(join(folder, 'long/a.txt')))
    const children = childrenOf(running.pid)
    expect(children).toHaveLength(2)
    running.killGroup('SIGINT')
    const { code, stdout, stderr } = await running.done
    expect(code).toBe(130)
    expect(stdout).toMatch(/^instance.*\na +sat.*\n1 sat, 0 unknown, 2 not answered; /)
    expect(stderr).toMatch(/\ninterrupted: 2 of 3 instances not answered\n$/)
    expect(stderr).not.toMatch(/error|\n\s+at /)
    expect(await haveLeft(children, 8000)).toBe(true)
  })

  it('a worker that is killed loses its instance only', async () => {
    const rows = ['a,relu.onnx,relu.vnnlib', 'b,tie.onnx,tie.vnnlib']
    writeFileSync(join(folder, 'killed.csv'), ['id,onnx,vnnlib', ...rows].join('\n'))
    const args = ['falsify', '--instances', 'killed.csv', '--workers', '1', '--json']
    const running = startCli(args, folder)
    await until(() => childrenOf(running.pid).length > 0)
    process.kill(childrenOf(running.pid)[0]!, 'SIGKILL')
    const { code, stdout, stderr } = await running.done
    expect(code).toBe(3)
    expect(stdout).toMatch(/"a","result":"error".*\n.*"b","result":"sat"/)
    expect(stderr).toMatch(/^a: the worker process ended \(SIGKILL\)\n$/)
  })
})

describe('bad input: one line, exit 2, nothing written', () => {
  const cases: Readonly<Record<string, readonly [readonly string[], RegExp, (() => void)?]>> = {
    'no files': [[], /GNT_USAGE: missing MODEL and PROPERTY/],
    'no property': [['tie.onnx'], /GNT_USAGE: missing PROPERTY/],
    'files and a list': [['tie.onnx', '--instances', 'list.csv'], /GNT_USAGE: .*--instances/],
    'a model that is missing': [['none.onnx', 'tie.vnnlib'], /GNT_FILE: .*none\.onnx/],
    'a property that is missing': [['tie.onnx', 'none.vnnlib'], /GNT_FILE: .*none\.vnnlib/],
    'files in the wrong order': [['tie.vnnlib', 'tie.onnx'], /GNT_PROPERTY: .*tie\.onnx/],
    'a property of another network': [['hill.onnx', 'tie.vnnlib'], /GNT_PROPERTY: .*got 2 inputs/],
    'a bomb': [['tie.onnx', 'bomb.vnnlib.gz'], /GNT_PROPERTY: .*bomb.*256 MiB|256 MiB.*bomb/, bomb],
    'a timeout of 0': [['tie.onnx', 'tie.vnnlib', '--timeout', '0'], /GNT_USAGE: .*--timeout/],
    'a timeout of words': [['tie.onnx', 'tie.vnnlib', '--timeout', 'x'], /--timeout.*got "x"/],
    'workers for one property': [['tie.onnx', 'tie.vnnlib', '--workers', '2'], /--workers/],
    'a witness over the model': [['tie.onnx', 'tie.vnnlib', '-o', 'tie.onnx'], /overwrite/],
    'a witness in no folder': [['tie.onnx', 'tie.vnnlib', '-o', 'no/w.txt'], /no such folder/],
    'a list that is missing': [['--instances', 'none.csv'], /GNT_FILE: .*none\.csv/],
    'a list with another header': [['--instances', 'other.csv'], /GNT_PROPERTY: .*foo,bar/, other],
    'a list that is none': [['--instances', 'tie.onnx'], /GNT_PROPERTY: .*tie\.onnx/],
    'witnesses below a file': [['--instances', 'list.csv', '-o', 'tie.onnx'], /is a file/],
  }
  for (const [name, [args, says, prepare]] of Object.entries(cases))
    it(name, async () => {
      prepare?.()
      const before = readdirSync(folder)
      const result = await run(...args)
      expect(result).toMatchObject({ code: 2, stdout: '' })
      expect(result.stderr).toMatch(/^gauntlet: error GNT_[A-Z_]+: [^\n]+\n$/)
      expect(result.stderr).toMatch(says)
      expect(readdirSync(folder)).toEqual(before)
    })

  it('a list inside a folder: paths are relative to it', async () => {
    mkdirSync(join(folder, 'lists'), { recursive: true })
    writeFileSync(join(folder, 'lists/one.csv'), '../tie.onnx,../tie.vnnlib,9\n')
    const { stdout } = await run('--instances', 'lists/one.csv', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ id: '1', result: 'sat' })
  })
})

function other(): void {
  writeFileSync(join(folder, 'other.csv'), 'foo,bar\ntie.onnx,tie.vnnlib\n')
}

function bomb(): void {
  writeFileSync(join(folder, 'bomb.vnnlib.gz'), gzipSync(Buffer.alloc(2 ** 28 + 9)))
}

async function until(isThere: () => boolean): Promise<void> {
  const end = Date.now() + 40_000
  while (!isThere() && Date.now() < end) await delay(50)
}
