import {
  CompiledQuery,
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
import { sqliteError } from './sqlite-error.js'

/**
 * Kysely's SQLite dialect on one libsql connection.
 *
 * A transaction takes the write lock when it begins: one that began as a reader could not wait for
 * another writer and would fail at its first write. Read-only transactions
 * (`setAccessMode('read only')`) take none and see one snapshot.
 *
 * @param where - the file as the user named it, for messages
 */
export function libsqlDialect(raw: Libsql.Database, where: string): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new LibsqlDriver(raw, where),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

class LibsqlDriver extends SqliteDriver {
  readonly #raw: Libsql.Database

  constructor(raw: Libsql.Database, where: string) {
    super({ database: adapt(raw, where) })
    this.#raw = raw
  }

  override async beginTransaction(
    connection: DatabaseConnection,
    settings?: TransactionSettings,
  ): Promise<void> {
    const begin = settings?.accessMode === 'read only' ? 'begin' : 'begin immediate'
    await connection.executeQuery(CompiledQuery.raw(begin))
  }

  // SQLite has rolled back by itself after a full disk or an I/O error; a second rollback would
  // throw and hide the first error.
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#raw.inTransaction) await super.rollbackTransaction(connection)
  }
}

/** The part of better-sqlite3 that Kysely uses, with values and errors translated both ways. */
function adapt(raw: Libsql.Database, where: string): SqliteDatabase {
  const translated = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw sqliteError(error, where)
    }
  }
  return {
    close: () => closeFile(raw),
    prepare(sql) {
      const statement = translated(() => raw.prepare(sql))
      return {
        reader: statement.reader,
        all: (values) => translated(() => statement.all(values.map(toSql)).map(fromSql)),
        run: (values) => translated(() => statement.run(values.map(toSql))),
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
  if (!raw.open) return
  try {
    raw.exec('PRAGMA busy_timeout = 0')
    raw.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all([])
  } catch {
    // Nothing is lost: everything committed is in the log and is read from there.
  }
  raw.close()
}
