import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import Libsql from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '../../../src/store/open.js'
import type { Store } from '../../../src/store/store.js'
import { sampleResult, sampleRun, sampleTask } from '../../conformance/store-samples.js'

const examples = async (store: Store) => await store.examplesOf('run', 'cell-a')

describe('a store with damaged rows', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gauntlet-damage-'))
    path = join(folder, 'results.sqlite')
    const store = await openStore(path)
    await store.createRun(sampleRun('run'))
    const task = sampleTask(1, 0, 4)
    await store.saveResult(task, sampleResult(task))
    await store.close()
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const cases: [string, string, unknown[], (store: Store) => Promise<unknown>][] = [
    [
      'manifest of run run',
      `update runs set manifest = '{'`,
      [],
      async (s) => await s.getRun('run'),
    ],
    ['cell cell-a', `update cells set spec = ''`, [], async (s) => await s.outcomesOf('run')],
    ['notes of task', `update tasks set notes = 'x'`, [], async (s) => await s.outcomesOf('run')],
    ['example of sample 0', 'update examples set data = ?', [Uint8Array.of(1, 2, 3)], examples],
    [
      'example of sample 0',
      'update examples set data = ?',
      [deflateSync(new Uint8Array(3))],
      examples,
    ],
    // 50 MB in 50 kB: inflating stops at what the row says.
    [
      'example of sample 0',
      'update examples set data = ?',
      [deflateSync(new Uint8Array(5e7))],
      examples,
    ],
  ]
  it.each(cases)('names the %s after %s', async (where, damage, values, read) => {
    const db = new Libsql(path)
    db.prepare(damage).run(values)
    db.close()
    const store = await openStore(path)
    await expect(read(store)).rejects.toMatchObject({
      code: 'GNT_STORE',
      message: expect.stringContaining(`the result store is damaged (${where}`) as string,
    })
    await store.close()
  })
})
