import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { childrenOf, delay, haveLeft, runCli, startCli, type RunningCli } from '../helpers/cli.js'
import {
  inStore,
  makeTinyProject,
  resultRows,
  tinyTasks,
  writeTinyConfig,
} from '../helpers/tiny-project.js'

/** Long enough to be met in the middle. */
const steps = 300

describe('a run that is killed', () => {
  let folder: string
  let undisturbed: unknown[]
  beforeAll(async () => {
    folder = await makeTinyProject({ steps })
    writeTinyConfig(folder, { steps, change: { store: 'reference.db' } }, 'reference.json')
    const result = await runCli(['run', '-c', 'reference.json'], folder)
    expect(result).toMatchObject({ code: 0 })
    undisturbed = await resultRows(folder, 'reference.db')
  }, 60_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('loses nothing and doubles nothing, however often it is killed', async () => {
    // Before the first task, and then in the middle of tasks.
    const moments = [Math.random() * 1500, ...[1, 2, 3].map(() => 100 + Math.random() * 600)]
    let before = 0
    for (const [i, moment] of moments.entries()) {
      const run = startCli(['run'], folder)
      if (i > 0) await run.seen(/run \S+: .*tasks/)
      await delay(moment)
      const children = childrenOf(run.pid)
      run.kill('SIGKILL')
      const { stderr } = await run.done
      const after = await doneTasks(folder)
      expect(after, `lost work at ${moments.join()}`).toBeGreaterThanOrEqual(before)
      // The first one may be killed before it says anything.
      if (i > 0) expect(stderr).toContain(state(before))
      expect(await haveLeft(children, 5000), 'a worker process outlives its coordinator').toBe(true)
      before = after
    }
    const last = await runCli(['run'], folder)
    expect(last.code).toBe(0)
    expect(last.stderr).toContain(state(before))
    expect(await resultRows(folder)).toEqual(undisturbed)
    expect(await inStore(folder, async (store) => await store.listRuns())).toMatchObject([
      { status: 'complete' },
    ])

    const again = await runCli(['run'], folder)
    expect(again.code).toBe(0)
    expect(again.stderr).toContain(state(tinyTasks))
    expect(again.stderr).not.toMatch(/\/24 /)
    expect(await resultRows(folder)).toEqual(undisturbed)
  }, 120_000)

  it('goes on by itself when only its worker process is killed', async () => {
    writeTinyConfig(folder, { steps, change: { store: 'crash.db' } }, 'crash.json')
    const run = startCli(['run', '-c', 'crash.json'], folder)
    await run.seen(/\/24 /)
    await killWorker(run)
    const { code, stderr } = await run.done
    expect(stderr).not.toMatch(/error|\n\s+at /)
    expect(code).toBe(0)
    expect(await resultRows(folder, 'crash.db')).toEqual(undisturbed)
  }, 60_000)
})

describe('an attack that ends its process', () => {
  let folder: string
  beforeAll(async () => {
    const change = {
      data: { path: 'glyphs', limit: 64 },
      plugins: ['crash.mjs'],
      suites: [
        {
          id: 'crashing',
          title: 'Crashing',
          attacks: [{ use: 'crash' }, { use: 'fgsm' }],
          threats: [{ norm: 'linf', epsilon: ['2/255'] }],
        },
      ],
      gate: { rules: [{ id: 'all-ran', kind: 'required-attacks', attacks: ['crash', 'fgsm'] }] },
    }
    folder = await makeTinyProject({ change })
    writeFileSync(join(folder, 'crash.mjs'), crashingPlugin)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is quarantined after the second time; the others end', async () => {
    const result = await runCli(['gate'], folder)
    expect(result.stderr).not.toMatch(/\n\s+at /)
    expect(result.code).toBe(3)
    expect(result.stdout).toMatch(/crash/)
    const cells = await inStore(folder, async (store) => {
      const run = await store.getRun('latest')
      expect(run.status).toBe('incomplete')
      return await store.outcomesOf(run.id)
    })
    expect(
      cells.map(({ cell, complete, failures }) => [
        cell.id,
        complete,
        failures.map((one) => one.kind),
      ]),
    ).toEqual([
      ['v1 / crash / linf 2/255', false, ['quarantined']],
      ['v1 / FGSM / linf 2/255', true, []],
      ['v2 / crash / linf 2/255', false, ['quarantined']],
      ['v2 / FGSM / linf 2/255', true, []],
    ])
    expect(existsSync(join(folder, 'gauntlet-report/report.json'))).toBe(true)
  }, 60_000)
})

/** Survives a rehearsal, which has two samples. */
const crashingPlugin = `
import { defineAttack } from 'gauntlet/plugin'
import { z } from 'zod'
export default defineAttack({
  id: 'crash', version: 1, title: 'Ends its process', source: 'this test',
  kind: 'control', needs: ['labels'], norms: ['linf'], goals: ['untargeted'], restarts: 1,
  params: z.object({}),
  label: () => 'crash',
  async run(context) {
    if (context.living > 2) process.kill(process.pid, 'SIGKILL')
    await context.score()
  },
})
`

async function killWorker(run: RunningCli): Promise<void> {
  const [worker, ...others] = childrenOf(run.pid)
  expect(others).toEqual([])
  process.kill(worker!, 'SIGKILL')
}

/** Tasks of the project's run that are done; 0 before there is a store. */
async function doneTasks(folder: string): Promise<number> {
  if (!existsSync(join(folder, '.gauntlet/results.db'))) return 0
  return await inStore(folder, async (store) => {
    const [latest] = await store.listRuns()
    if (!latest) return 0
    const { cells } = await store.getRun(latest.id)
    return (await store.completedKeys(cells.flatMap((cell) => cell.tasks))).size
  })
}

/** How a run says what it finds in the store. */
function state(done: number): string {
  if (done === tinyTasks) return 'all of it is in the store already'
  return done > 0 ? `${done} of ${tinyTasks} tasks are in the store already` : `${tinyTasks} tasks`
}
