import type { Kysely } from 'kysely'
import { GauntletError } from '../errors.js'
import type { Flavour, Migration } from './migration.js'
import type { StoreDatabase } from './tables.js'

/**
 * Brings the schema up to the last of `migrations`, each in a transaction of its own together with
 * its version number: after a crash the schema is at some version, never between two. Processes that
 * start at once do it once.
 *
 * @param where - the store as the user named it, for messages
 * @throws GauntletError GNT_STORE if the schema is newer than `migrations`, or cannot be written
 */
export async function migrate(
  db: StoreDatabase,
  migrations: readonly Migration[],
  flavour: Flavour,
  where: string,
): Promise<void> {
  const newest = migrations.length
  await db.transaction().execute(async (trx) => {
    await trx.schema
      .createTable('gauntlet_schema')
      .ifNotExists()
      .addColumn('version', 'integer', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('applied_at', 'text', (column) => column.notNull())
      .execute()
    // Changes nothing, but asks for a write: a read-only store is refused here and not after the first task.
    await trx.deleteFrom('gauntlet_schema').where('version', '<', 0).execute()
  })
  for (;;) {
    const done = await db.transaction().execute(async (trx) => {
      const version = await currentVersion(trx)
      if (version > newest) throw newer(version, newest, where)
      const next = migrations[version]
      if (next === undefined) return true
      // A migration speaks of tables that `StoreTables` may no longer or not yet know.
      await next.up(trx as unknown as Kysely<unknown>, flavour)
      await trx
        .insertInto('gauntlet_schema')
        .values({
          version: next.version,
          name: next.name,
          applied_at: new Date().toISOString(),
        })
        .execute()
      return false
    })
    if (done) return
  }
}

async function currentVersion(db: StoreDatabase): Promise<number> {
  const row = await db
    .selectFrom('gauntlet_schema')
    .select((select) => select.fn.max('version').as('version'))
    .executeTakeFirst()
  return row?.version ?? 0
}

function newer(version: number, newest: number, where: string): GauntletError {
  return new GauntletError('GNT_STORE', {
    what: 'the result store was made by a newer Gauntlet',
    where,
    got: `schema ${version}`,
    expected: `at most ${newest}`,
    fix: 'update Gauntlet, or choose another store file',
  })
}
