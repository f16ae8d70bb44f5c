import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Kysely, sql } from 'kysely'
import Libsql from 'libsql'
import { GauntletError } from '../errors.js'
import { execWhenFree, libsqlDialect } from './libsql-dialect.js'
import { migrate } from './migrate.js'
import type { Flavour } from './migration.js'
import { migrations } from './migrations/index.js'
import { sqliteError } from './sqlite-error.js'
import { Store } from './store.js'
import type { StoreTables } from './tables.js'

/** How long a write waits for another process. Writes take milliseconds: after this it is stuck. */
const waitMs = 10_000

const sqlite: Flavour = {
  identity: (column) => column.primaryKey().autoIncrement(),
  blob: sql`blob`,
  clustered: (table) => table.modifyEnd(sql`without rowid`),
}

/**
 * Opens the result store in the SQLite file at `path`, and makes the file and its folder if they are
 * not there. Several processes of one machine may have the same store open and write to it; a network
 * drive must not be used by two machines at once.
 *
 * @param path - relative to the working directory; `:memory:` is a store that ends with the process
 * @throws GauntletError GNT_STORE if the path cannot be opened or written, is not a SQLite file, is the
 *   SQLite file of something else, or has a newer schema; the file is then as it was
 */
export async function openStore(path: string): Promise<Store> {
  const raw = await connect(path)
  const db = new Kysely<StoreTables>({ dialect: libsqlDialect(raw, path, waitMs) })
  try {
    await checkOurs(db, path)
    await sql`pragma foreign_keys = on`.execute(db)
    await execWhenFree(raw, 'pragma journal_mode = wal', path, waitMs)
    await migrate(db, migrations, sqlite, path)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return new Store(db)
}

/** Only ever through SQLite: opening and closing the file by other means would drop this process's locks on it. */
async function connect(path: string): Promise<Libsql.Database> {
  if (path === ':memory:') return new Libsql(path)
  if (path === '' || path.includes('\0'))
    throw unusable(path, 'an empty name or a NUL character', 'name a file')
  // An absolute path is never taken for a URI (`file:x.db`).
  const file = resolve(path)
  try {
    await mkdir(dirname(file), { recursive: true })
    if ((await stat(file).catch(() => undefined))?.isDirectory())
      throw unusable(path, 'a folder', 'name a file in it')
    return new Libsql(file, { timeout: waitMs })
  } catch (error) {
    if (isSystemError(error)) throw unusable(path, error.code, 'choose another store file', error)
    throw sqliteError(error, path)
  }
}

/** Refuses to add our tables to another program's database. */
async function checkOurs(db: Kysely<StoreTables>, path: string): Promise<void> {
  const { rows } = await sql<{
    name: string
  }>`select name from sqlite_master where type = 'table'`.execute(db)
  const names = rows.map((row) => row.name)
  if (names.length === 0 || names.includes('gauntlet_schema')) return
  throw new GauntletError('GNT_STORE', {
    what: 'not a result store',
    where: path,
    got: `a SQLite file with the table ${JSON.stringify(names[0])}`,
    expected: 'a store made by Gauntlet, or no file',
    fix: 'choose another store file',
  })
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

function unusable(path: string, got: string, fix: string, cause?: unknown): GauntletError {
  return new GauntletError(
    'GNT_STORE',
    {
      what: 'the result store cannot be opened',
      where: path,
      got,
      expected: 'a writable file',
      fix,
    },
    { cause },
  )
}
