import { setTimeout as sleep } from 'node:timers/promises'
import {
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type SqliteDatabase,
  type TransactionSettings,
} from 'kysely'
import type Libsql from 'libsql'
import { GauntletError } from '../errors.js'
import { isBusy, sqliteError } from './sqlite-error.js'

/**
 * Kysely's SQLite dialect on one libsql connection.
 *
 * A transaction takes the write lock when it begins, and waits for it without blocking the event loop:
 * one that began as a reader could not wait for another writer and would fail at its first write.
 * Read-only transactions (`setAccessMode('read only')`) take no lock and see one snapshot. A write
 * outside a transaction does not wait, so there should be none.
 *
 * @param where - the file as the user named it, for messages
 * @param waitMs - how long a transaction waits for another process that writes
 */
export function libsqlDialect(raw: Libsql.Database, where: string, waitMs: number): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new LibsqlDriver(raw, where, waitMs),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

/**
 * Runs a statement that another process may keep waiting: tries it until it is not refused as busy,
 * without blocking the event loop in between.
 *
 * By `exec`, because a prepared statement that was refused stays in progress until it is collected as
 * garbage, and no transaction of its connection can be committed until then.
 *
 * @throws GauntletError GNT_STORE when `waitMs` have passed, or for another reason of SQLite's
 */
export async function execWhenFree(
  raw: Libsql.Database,
  statement: string,
  where: string,
  waitMs: number,
): Promise<void> {
  const deadline = Date.now() + waitMs
  for (;;) {
    try {
      openOnly(raw).exec(`pragma busy_timeout = 0; ${statement}`)
      return
    } catch (error) {
      if (!isBusy(error) || Date.now() >= deadline) throw sqliteError(error, where)
    } finally {
      // Readers are kept waiting only while a log is made or recovered: there SQLite may wait itself.
      if (raw.open) raw.exec(`pragma busy_timeout = ${waitMs}`)
    }
    await sleep(5)
  }
}

class LibsqlDriver extends SqliteDriver {
  readonly #raw: Libsql.Database
  readonly #where: string
  readonly #waitMs: number

  constructor(raw: Libsql.Database, where: string, waitMs: number) {
    super({ database: adapt(raw, where) })
    this.#raw = raw
    this.#where = where
    this.#waitMs = waitMs
  }

  override async beginTransaction(
    _connection: DatabaseConnection,
    settings?: TransactionSettings,
  ): Promise<void> {
    const begin = settings?.accessMode === 'read only' ? 'begin' : 'begin immediate'
    await execWhenFree(this.#raw, begin, this.#where, this.#waitMs)
  }

  // SQLite has rolled back by itself after a full disk or an I/O error; a second rollback would
  // throw and hide the first error.
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (openOnly(this.#raw).inTransaction) await super.rollbackTransaction(connection)
  }

  // Waits for the transaction that is going on.
  override async destroy(): Promise<void> {
    await this.acquireConnection()
    try {
      await super.destroy()
    } finally {
      await this.releaseConnection()
    }
  }
}

/** libsql aborts the process when some things are asked of a closed connection. */
function openOnly(raw: Libsql.Database): Libsql.Database {
  if (!raw.open) throw new Error('the store is closed')
  return raw
}

/** Statements kept per connection; the store has about thirty, and more where lists differ in length. */
const statementsKept = 64

/** The part of better-sqlite3 that Kysely uses, with values and errors translated both ways. */
function adapt(raw: Libsql.Database, where: string): SqliteDatabase {
  // libsql frees a statement when it is collected as garbage, which sees nothing of its native memory:
  // a statement made anew for each task costs 1.4 GB after 15,000 tasks. Least recently used first.
  const statements = new Map<string, Libsql.Statement>()
  const prepared = (sql: string): Libsql.Statement => {
    const statement = statements.get(sql) ?? openOnly(raw).prepare(sql)
    statements.delete(sql)
    statements.set(sql, statement)
    const [oldest] = statements.keys()
    if (oldest !== undefined && statements.size > statementsKept) statements.delete(oldest)
    return statement
  }
  const attempt = <T>(sql: string, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      // It may still be in progress, and would be so at its next use.
      statements.delete(sql)
      throw sqliteError(error, where)
    }
  }
  return {
    close() {
      statements.clear()
      closeFile(raw)
    },
    prepare(sql) {
      const statement = attempt(sql, () => prepared(sql))
      return {
        reader: statement.reader,
        all: (values) => attempt(sql, () => statement.all(values.map(toSql)).map(fromSql)),
        run: (values) => attempt(sql, () => statement.run(values.map(toSql))),
        iterate: () => {
          throw new Error('the store does not stream: an unfinished statement would hold a lock')
        },
      }
    },
  }
}

/** libsql aborts the whole process when it is given a boolean, and cuts a text at its first NUL. */
function toSql(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string') checkText(value)
  return value
}

/** Text must come back as it went in: no NUL, no half of a surrogate pair. */
function checkText(text: string): void {
  const fault = text.includes('\0')
    ? 'a NUL character'
    : /\p{Surrogate}/u.test(text)
      ? 'half of a surrogate pair'
      : undefined
  if (fault === undefined) return
  throw new GauntletError('GNT_STORE', {
    what: 'a text that cannot be stored',
    where: JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text),
    got: fault,
    fix: 'remove it',
  })
}

/** Blobs come back as ArrayBuffer. */
function fromSql(row: unknown): unknown {
  const record = row as Record<string, unknown>
  for (const column in record) {
    const value = record[column]
    if (value instanceof ArrayBuffer) record[column] = new Uint8Array(value)
  }
  return record
}

/**
 * libsql never finalizes a statement before garbage collection, so SQLite does not clean up its log
 * on close: fold it into the file here, that a copy of the one file is the whole store. Without
 * waiting: a process that still reads will do it when it closes.
 */
function closeFile(raw: Libsql.Database): void {
  try {
    raw.exec('PRAGMA busy_timeout = 0')
    raw.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all([])
  } catch {
    // Nothing is lost: everything committed is in the log and is read from there.
  }
  raw.close()
}
