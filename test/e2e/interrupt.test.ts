import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { childrenOf, delay, haveLeft, runCli, startCli, type RunningCli } from '../helpers/cli.js'
import {
  inStore,
  makeTinyProject,
  slowPlugin,
  tinyTasks,
  writeTinyConfig,
} from '../helpers/tiny-project.js'

let folder: string
beforeAll(async () => {
  folder = await makeTinyProject({ steps: 300 })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('Ctrl-C', () => {
  it('once: what is done is kept, the reports say what is missing, the next run goes on', async () => {
    const run = startCli(['run'], folder)
    await run.seen(/\/24 /)
    const children = childrenOf(run.pid)
    run.killGroup('SIGINT')
    const { code, stdout, stderr } = await run.done
    expect(code).toBe(130)
    expect(stderr).toMatch(/stopping at the next step/)
    expect(stderr).not.toMatch(/error|\n\s+at /)
    expect(stdout).toMatch(/interrupted: run the same command again/)
    expect(await haveLeft(children, 2000)).toBe(true)
    expect(leftovers(folder)).toEqual([])

    const { done, status } = await progress(folder)
    expect(status).toBe('interrupted')
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(tinyTasks)
    const report = join(folder, 'gauntlet-report')
    expect(JSON.parse(readFileSync(join(report, 'report.json'), 'utf8'))).toMatchObject({
      status: 'interrupted',
    })
    expect(readFileSync(join(report, 'report.md'), 'utf8')).toMatch(/interrupted/i)

    const next = await runCli(['run'], folder)
    expect(next.code).toBe(0)
    expect(next.stderr).toContain(`${done} of ${tinyTasks} tasks are in the store already`)
    expect(await progress(folder)).toEqual({ done: tinyTasks, status: 'complete' })
  }, 60_000)

  it('twice: the end comes at once, and the workers follow', async () => {
    writeSlowConfig('twice', false)
    const run = startCli(['run', '-c', 'twice.json'], folder)
    await run.seen(/run \S+: /)
    await delay(300)
    const children = childrenOf(run.pid)
    expect(children).toHaveLength(1)
    run.killGroup('SIGINT')
    await run.seen(/stopping/)
    const second = Date.now()
    run.killGroup('SIGINT')
    const { code, stderr } = await run.done
    expect(code).toBe(130)
    expect(Date.now() - second).toBeLessThan(1500)
    expect(stderr).not.toMatch(/error|\n\s+at /)
    expect(await haveLeft(children, 8000)).toBe(true)
  }, 60_000)

  it('while the models are tried out: one line, and nothing is written', async () => {
    writeSlowConfig('early', true)
    const run = startCli(['run', '-c', 'early.json'], folder)
    await hasWorker(run)
    await delay(600)
    run.killGroup('SIGINT')
    const { code, stdout, stderr } = await run.done
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).toMatch(/gauntlet: error GNT_INTERRUPTED: [^\n]*nothing was written[^\n]*\n$/)
    expect(existsSync(join(folder, 'early.db'))).toBe(false)
    expect(existsSync(join(folder, 'early'))).toBe(false)
  }, 60_000)

  it('while the worker process starts', async () => {
    writeSlowConfig('start', false)
    const run = startCli(['run', '-c', 'start.json'], folder)
    await hasWorker(run)
    run.killGroup('SIGINT')
    const { code, stderr } = await run.done
    expect(stderr).toMatch(/error GNT_INTERRUPTED: [^\n]*\n$/)
    expect(code).toBe(130)
    expect(existsSync(join(folder, 'start.db'))).toBe(false)
  }, 60_000)

  it('in gauntlet attack: one line, and no file', async () => {
    const options = ['--data', 'glyphs', '--limit', '128', '--steps', '50000', '--eps', '1/255']
    const run = startCli(['attack', 'v1.onnx', ...options, '--save', 'adv.npz'], folder)
    await hasWorker(run)
    await delay(2000)
    run.killGroup('SIGINT')
    const { code, stdout, stderr } = await run.done
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).toMatch(/error GNT_INTERRUPTED: [^\n]*nothing was written[^\n]*\n$/)
    expect(readdirSync(folder).filter((name) => name.includes('adv'))).toEqual([])
  }, 60_000)
})

/** A run whose only attack takes three seconds, when it is tried out or when it runs. */
function writeSlowConfig(name: string, inRehearsal: boolean): void {
  writeFileSync(join(folder, 'slow.mjs'), slowPlugin(3))
  const suite = {
    id: 'slow',
    title: 'Slow',
    attacks: [{ use: 'slow', params: { inRehearsal } }],
    threats: [{ norm: 'linf', epsilon: ['1/255'] }],
  }
  const change = {
    plugins: ['slow.mjs'],
    suites: [suite],
    store: `${name}.db`,
    report: { folder: name },
  }
  writeTinyConfig(folder, { change }, `${name}.json`)
}

async function hasWorker(run: RunningCli): Promise<void> {
  const end = Date.now() + 20_000
  while (childrenOf(run.pid).length === 0 && Date.now() < end) await delay(20)
}

/** Files that only exist while something is written. */
function leftovers(at: string): string[] {
  return readdirSync(at, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tmp$|-wal$|-journal$/.test(name),
  )
}

async function progress(at: string): Promise<{ done: number; status: string }> {
  return await inStore(at, async (store) => {
    const { status, cells } = await store.getRun('latest')
    const done = await store.completedKeys(cells.flatMap((cell) => cell.tasks))
    return { done: done.size, status }
  })
}
