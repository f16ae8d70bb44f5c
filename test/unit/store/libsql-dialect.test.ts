import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import Libsql from 'libsql'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { libsqlDialect } from '../../../src/store/libsql-dialect.js'
import { openStore } from '../../../src/store/open.js'
import { Store } from '../../../src/store/store.js'
import { sampleResult, sampleRun, sampleTask } from '../../conformance/store-samples.js'

const url = (module: string) => JSON.stringify(import.meta.resolve(module))

interface Tables {
  things: { id: number; value: unknown }
}

async function count(on: Kysely<Tables>): Promise<number> {
  return (await on.selectFrom('things').select('id').execute()).length
}

async function select(on: Kysely<Tables>, n: number): Promise<unknown[]> {
  return (await sql.raw(`select ${n} as n`).execute(on)).rows
}

describe('libsqlDialect', () => {
  let folder: string
  let path: string
  let raw: Libsql.Database
  let db: Kysely<Tables>
  const connect = (): [Libsql.Database, Kysely<Tables>] => {
    const opened = new Libsql(path)
    return [opened, new Kysely<Tables>({ dialect: libsqlDialect(opened, 'things.sqlite', 100) })]
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gauntlet-dialect-'))
    path = join(folder, 'things.sqlite')
    ;[raw, db] = connect()
    await sql`pragma journal_mode = wal`.execute(db)
    await sql`create table things (id integer primary key, value)`.execute(db)
  })
  afterEach(async () => {
    await db.destroy()
    rmSync(folder, { recursive: true })
  })

  // Where the mapping of booleans fails the process aborts, so it is another one that tries.
  it('stores true as 1 and false as 0', async () => {
    const code = `
      import Libsql from ${url('libsql')}
      import { Kysely, sql } from ${url('kysely')}
      import { libsqlDialect } from ${url('../../../dist/src/store/libsql-dialect.js')}
      const db = new Kysely({ dialect: libsqlDialect(new Libsql(':memory:'), 'memory', 0) })
      const { rows } = await sql\`select \${true} as t, \${false} as f\`.execute(db)
      console.log(JSON.stringify(rows))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code])
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await once(child, 'close')
    expect(JSON.parse(output)).toEqual([{ t: 1, f: 0 }])
  })

  it.each([
    ['null', null],
    ['text', '検査 🛡 \n "\'\\'],
    ['an empty text', ''],
    ['a fraction', 0.1],
    ['an infinity', -Infinity],
    ['the largest exact integer', 2 ** 53 - 1],
    ['bytes', Uint8Array.of(0, 255, 0)],
    ['no bytes', new Uint8Array(0)],
    ['a view into a buffer', Uint8Array.of(9, 1, 2, 9).subarray(1, 3)],
  ])('gives back %s', async (_label, value) => {
    await db.insertInto('things').values({ id: 1, value }).execute()
    const row = await db.selectFrom('things').select('value').executeTakeFirstOrThrow()
    expect(row.value).toEqual(value)
  })

  it.each([
    ['a\0b', 'NUL'],
    ['\0', 'NUL'],
    ['\udc00', 'surrogate'],
    [`${'long '.repeat(50)}\ud800`, 'surrogate'],
  ])('refuses the text %j in one line', async (value, message) => {
    const insert = db.insertInto('things').values({ id: 1, value }).execute()
    await expect(insert).rejects.toMatchObject({
      code: 'GNT_STORE',
      message: expect.stringContaining(message) as string,
    })
    expect(await db.selectFrom('things').selectAll().execute()).toEqual([])
  })

  it('refuses text with a NUL in a condition too', async () => {
    const find = db.selectFrom('things').selectAll().where('value', '=', 'a\0').execute()
    await expect(find).rejects.toMatchObject({ code: 'GNT_STORE' })
  })

  it('makes a statement once, however often it runs', async () => {
    const prepare = vi.spyOn(raw, 'prepare')
    for (let id = 0; id < 20; id++)
      await db.insertInto('things').values({ id, value: id }).execute()
    expect(prepare).toHaveBeenCalledTimes(1)
    expect(await count(db)).toBe(20)
  })

  it('forgets statements that were not used for long, and runs them all the same', async () => {
    const prepare = vi.spyOn(raw, 'prepare')
    for (let n = 0; n < 200; n++) expect(await select(db, n)).toEqual([{ n }])
    expect(await select(db, 199)).toEqual([{ n: 199 }])
    expect(prepare).toHaveBeenCalledTimes(200)
    expect(await select(db, 0)).toEqual([{ n: 0 }])
    expect(prepare).toHaveBeenCalledTimes(201)
  })

  it('goes on after a statement that failed', async () => {
    const insert = async (id: number) => {
      await db.transaction().execute(async (trx) => {
        await trx.insertInto('things').values({ id, value: id }).execute()
      })
    }
    await insert(1)
    for (let i = 0; i < 3; i++) await expect(insert(1)).rejects.toThrow('UNIQUE')
    await insert(2)
    expect(await count(db)).toBe(2)
  })

  it('does not stream', async () => {
    const rows = db.selectFrom('things').selectAll().stream()
    await expect(rows.next()).rejects.toThrow('does not stream')
  })

  it('takes the write lock when a transaction begins, and none for a read-only one', async () => {
    const [, other] = connect()
    await db.transaction().execute(async () => {
      const write = other.transaction().execute(async () => {})
      await expect(write).rejects.toMatchObject({
        code: 'GNT_STORE',
        message: expect.stringContaining('locked by another process') as string,
      })
      expect(await other.transaction().setAccessMode('read only').execute(count)).toBe(0)
    })
    // A connection that was refused is as good as before.
    await other.transaction().execute(async (trx) => {
      await trx.insertInto('things').values({ id: 1, value: 1 }).execute()
    })
    await other.destroy()
    expect(await count(db)).toBe(1)
  })

  it('waits for the write lock without blocking the event loop', async () => {
    const patient = new Kysely<Tables>({ dialect: libsqlDialect(new Libsql(path), 'x', 5000) })
    let waiting: Promise<void> | undefined
    await db.transaction().execute(async (trx) => {
      waiting = patient.transaction().execute(async (other) => expect(await count(other)).toBe(1))
      await sleep(50)
      await trx.insertInto('things').values({ id: 1, value: 1 }).execute()
    })
    await waiting
    await patient.destroy()
  })

  it('closes when the transaction that is going on has ended', async () => {
    const work = db.transaction().execute(async (trx) => {
      await sleep(50)
      await trx.insertInto('things').values({ id: 1, value: 1 }).execute()
    })
    await sleep(10)
    await db.destroy()
    expect(raw.open).toBe(false)
    await work
    ;[raw, db] = connect()
    expect(await count(db)).toBe(1)
  })

  it('sees one snapshot in a read-only transaction', async () => {
    const [, other] = connect()
    await other
      .transaction()
      .setAccessMode('read only')
      .execute(async (trx) => {
        expect(await count(trx)).toBe(0)
        await db.insertInto('things').values({ id: 1, value: 1 }).execute()
        expect(await count(trx)).toBe(0)
      })
    expect(await count(other)).toBe(1)
    await other.destroy()
  })

  it('rolls back when the work throws, and shows that error', async () => {
    const work = db.transaction().execute(async (trx) => {
      await trx.insertInto('things').values({ id: 1, value: 1 }).execute()
      throw new Error('thrown by the work')
    })
    await expect(work).rejects.toThrow('thrown by the work')
    expect(await db.selectFrom('things').selectAll().execute()).toEqual([])
  })

  it('leaves errors alone that only a bug can cause', async () => {
    await db.insertInto('things').values({ id: 1, value: 1 }).execute()
    const again = db.insertInto('things').values({ id: 1, value: 1 }).execute()
    await expect(again).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' })
    await expect(sql`select nonsense`.execute(db)).rejects.toMatchObject({ code: 'SQLITE_ERROR' })
  })

  it('says so when the disk is full, and nothing of the result is saved', async () => {
    const file = join(folder, 'results.sqlite')
    const made = await openStore(file)
    await made.createRun(sampleRun('run'))
    await made.close()
    const limited = new Libsql(file)
    const [{ page_count: pages }] = limited.prepare('pragma page_count').all() as [
      { page_count: number },
    ]
    limited.prepare(`pragma max_page_count = ${pages + 20}`).all()
    const store = new Store(new Kysely({ dialect: libsqlDialect(limited, 'results.sqlite', 100) }))
    const [small, large] = [sampleTask(1, 0, 4), sampleTask(2, 4, 20_004)]
    await store.saveResult(small, sampleResult(small))
    await expect(store.saveResult(large, sampleResult(large))).rejects.toMatchObject({
      code: 'GNT_STORE',
      message: expect.stringMatching(/results.sqlite.*full disk/) as string,
    })
    expect(await store.completedKeys([small.key, large.key])).toEqual(new Set([small.key]))
    expect(limited.prepare('select count(*) as n from outcomes').all()).toEqual([{ n: 4 }])
    await store.close()
  })

  it('closes without waiting for a reader', async () => {
    const [, reader] = connect()
    await db.insertInto('things').values({ id: 1, value: 1 }).execute()
    await reader
      .transaction()
      .setAccessMode('read only')
      .execute(async (trx) => {
        await trx.selectFrom('things').selectAll().execute()
        raw.exec('pragma busy_timeout = 30000')
        const from = Date.now()
        await db.destroy()
        expect(Date.now() - from).toBeLessThan(5000)
        expect(await trx.selectFrom('things').select('id').execute()).toEqual([{ id: 1 }])
      })
    await reader.destroy()
  })
})
