import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import Libsql from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { libsqlDialect } from '../../../src/store/libsql-dialect.js'
import { migrate } from '../../../src/store/migrate.js'
import type { Flavour, Migration } from '../../../src/store/migration.js'
import { migrations } from '../../../src/store/migrations/index.js'
import type { StoreDatabase, StoreTables } from '../../../src/store/tables.js'

const flavour: Flavour = {
  identity: (column) => column.primaryKey(),
  blob: sql`blob`,
  clustered: (table) => table,
}

const step = (version: number, statement: string): Migration => ({
  version,
  name: `000${version}-step`,
  up: async (db) => {
    await sql.raw(statement).execute(db)
  },
})
const [one, two, three] = [
  step(1, 'create table a (x)'),
  step(2, 'alter table a add column y'),
  step(3, 'insert into a (x, y) values (1, 2)'),
]
const broken: Migration = {
  version: 3,
  name: '0003-broken',
  up: async (db) => {
    await sql`create table half (x)`.execute(db)
    throw new Error('broken on the way')
  },
}

describe('migrate', () => {
  let folder: string
  let db: StoreDatabase
  const connect = (): StoreDatabase =>
    new Kysely<StoreTables>({
      dialect: libsqlDialect(new Libsql(join(folder, 'x.sqlite')), 'x.sqlite', 5000),
    })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gauntlet-migrate-'))
    db = connect()
  })
  afterEach(async () => {
    await db.destroy()
    rmSync(folder, { recursive: true })
  })

  const applied = async () =>
    (await db.selectFrom('gauntlet_schema').select('name').orderBy('version').execute()).map(
      (row) => row.name,
    )
  const rowsOf = async (table: string) => (await sql.raw(`select * from ${table}`).execute(db)).rows

  it('applies each migration once, in order', async () => {
    await migrate(db, [one], flavour, 'x.sqlite')
    expect(await applied()).toEqual(['0001-step'])
    await migrate(db, [one, two, three], flavour, 'x.sqlite')
    await migrate(db, [one, two, three], flavour, 'x.sqlite')
    expect(await applied()).toEqual(['0001-step', '0002-step', '0003-step'])
    expect(await rowsOf('a')).toEqual([{ x: 1, y: 2 }])
  })

  it('keeps nothing of a migration that throws, and all of those before it', async () => {
    await expect(migrate(db, [one, two, broken], flavour, 'x.sqlite')).rejects.toThrow('broken')
    expect(await applied()).toEqual(['0001-step', '0002-step'])
    await expect(rowsOf('half')).rejects.toThrow('no such table')
    await migrate(db, [one, two, three], flavour, 'x.sqlite')
    expect(await rowsOf('a')).toEqual([{ x: 1, y: 2 }])
  })

  it('refuses a schema that is newer', async () => {
    await migrate(db, [one, two], flavour, 'x.sqlite')
    await expect(migrate(db, [one], flavour, 'x.sqlite')).rejects.toMatchObject({
      code: 'GNT_STORE',
      message:
        'the result store was made by a newer Gauntlet (x.sqlite): got schema 2, expected at most 1; update Gauntlet, or choose another store file',
    })
  })

  it('is done once by two connections at once', async () => {
    const other = connect()
    await Promise.all([
      migrate(db, [one, two, three], flavour, 'x.sqlite'),
      migrate(other, [one, two, three], flavour, 'x.sqlite'),
    ])
    await other.destroy()
    expect(await rowsOf('a')).toEqual([{ x: 1, y: 2 }])
  })

  it('has versions without gaps, each in a file of its name', async () => {
    expect(migrations.map((migration) => migration.version)).toEqual(
      migrations.map((_, i) => i + 1),
    )
    for (const { version, name } of migrations) {
      expect(name.startsWith(`${String(version).padStart(4, '0')}-`)).toBe(true)
      const module = (await import(`../../../src/store/migrations/${name}.ts`)) as object
      expect(Object.values(module)).toContain(migrations[version - 1])
    }
  })
})
