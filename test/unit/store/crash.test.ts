import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Libsql from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '../../../src/store/open.js'
import { createRng } from '../../../src/util/rng.js'
import {
  sampleCell,
  sampleOutcome,
  sampleResult,
  sampleRun,
  sampleTask,
} from '../../conformance/store-samples.js'

const writer = fileURLToPath(new URL('../../fixtures/store-writer.mjs', import.meta.url))
const tasks = 80
const samplesPerTask = 1100 // two INSERTs per task, so that a kill can fall between them
const examplesPerTask = 2

describe('a store that is shared and killed', () => {
  let folder: string
  let store: string
  let plan: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gauntlet-crash-'))
    store = join(folder, 'new folder', 'results.sqlite')
    plan = join(folder, 'plan.json')
    const work = Array.from({ length: tasks }, (_, i) => {
      const task = sampleTask(i, i * samplesPerTask, (i + 1) * samplesPerTask)
      const { examples, ...result } = sampleResult(task)
      // JSON turns a Float32Array into an object.
      const plain = examples.map(({ sample }) => ({ sample, xAdv: [sample, 0.5] }))
      return { task, result: { ...result, examples: plain } }
    })
    const run = sampleRun('run', { cells: [sampleCell(work.map(({ task }) => task))] })
    writeFileSync(plan, JSON.stringify({ run, work }))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const start = (order: 'forward' | 'backward') =>
    spawn(process.execPath, [writer, store, plan, order], { stdio: ['ignore', 'pipe', 'pipe'] })

  it('is whole after SIGKILL at random moments, and is completed by running again', async () => {
    const rng = createRng('kill')
    const doneAfterKill: number[] = []
    for (let kill = 0; kill < 8; kill++) {
      const child = start(kill % 2 === 0 ? 'forward' : 'backward')
      const ended = once(child, 'close')
      // Every other child is killed while it starts, makes the file or opens it.
      const saves = kill % 2 === 0 ? 0 : 1 + rng.below(8)
      await Promise.race([saved(child, saves), ended])
      await sleep(rng.uniform() * (saves === 0 ? 500 : 30))
      child.kill('SIGKILL')
      await ended
      doneAfterKill.push(checkWhole(store))
    }
    expect(doneAfterKill).toEqual(doneAfterKill.toSorted((a, b) => a - b))
    expect(
      doneAfterKill.filter((done) => done > 0 && done < tasks),
      `no kill came in the middle: ${doneAfterKill.join(', ')}`,
    ).not.toEqual([])

    const before = checkWhole(store)
    expect(await finish(start('forward'))).toBe(tasks - before)
    expect(await finish(start('forward'))).toBe(0)
    await expectComplete()
  })

  it('takes the results of processes that start and write at once, each once', async () => {
    const counts = await Promise.all([
      finish(start('forward')),
      finish(start('backward')),
      finish(start('forward')),
    ])
    expect(counts.reduce((a, b) => a + b)).toBe(tasks)
    expect(checkWhole(store)).toBe(tasks)
    await expectComplete()
  })

  async function expectComplete(): Promise<void> {
    const opened = await openStore(store)
    try {
      const [cell, ...others] = await opened.outcomesOf('run')
      expect(others).toEqual([])
      expect(cell).toMatchObject({ tasksDone: tasks, complete: true, seconds: 1.5 * tasks })
      expect(cell?.outcomes).toEqual(
        Array.from({ length: tasks * samplesPerTask }, (_, sample) => sampleOutcome(sample)),
      )
      const examples = await opened.examplesOf('run', 'cell-a')
      expect(examples).toHaveLength(tasks * examplesPerTask)
      for (const { sample, xAdv } of examples) expect([...xAdv]).toEqual([sample, 0.5])
    } finally {
      await opened.close()
    }
  }
})

/** Looks at the rows without the code under test. @returns the number of tasks that are done */
function checkWhole(path: string): number {
  if (!existsSync(path)) return 0
  const db = new Libsql(path, { timeout: 5000 })
  try {
    expect(db.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    expect(db.prepare('pragma foreign_key_check').all()).toEqual([])
    const [{ made }] = db
      .prepare(`select count(*) as made from sqlite_master where name = 'baselines'`)
      .all() as [{ made: number }]
    if (made === 0) return 0
    const rows = db
      .prepare(
        `select key, (select count(*) from outcomes where task = id) as outcomes,
           (select count(distinct sample) from outcomes where task = id) as samples,
           (select count(*) from examples where task = id) as examples from tasks`,
      )
      .all() as { key: string; outcomes: number; samples: number; examples: number }[]
    expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length)
    for (const row of rows)
      expect(row).toMatchObject({
        outcomes: samplesPerTask,
        samples: samplesPerTask,
        examples: examplesPerTask,
      })
    return rows.length
  } finally {
    db.close()
  }
}

/** Waits until the process has saved `count` tasks. */
async function saved(child: ChildProcess, count: number): Promise<void> {
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  while (output.length < count && child.exitCode === null && child.signalCode === null)
    await sleep(1)
}

/** Waits for the end. @returns how many tasks the process was the first to save */
async function finish(child: ChildProcess): Promise<number> {
  let output = ''
  let errors = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  expect(errors).toBe('')
  expect(code).toBe(0)
  const line = /^saved (\d+)$/m.exec(output)
  expect(line, output).not.toBeNull()
  return Number(line?.[1])
}
