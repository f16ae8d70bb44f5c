import type { ModelAudit } from '../audit/model/result.js'
import { fromJson, toJson } from './json.js'
import { chunks, inListChunk, type StoreDatabase } from './tables.js'

export async function saveAudit(db: StoreDatabase, key: string, audit: ModelAudit): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('audits')
      .values({ key, result: toJson(audit), created_at: new Date().toISOString() })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .execute()
    await trx.deleteFrom('failures').where('key', '=', key).execute()
  })
}

export async function auditsOf(
  db: StoreDatabase,
  keys: readonly string[],
): Promise<Map<string, ModelAudit>> {
  const found = new Map<string, ModelAudit>()
  for (const some of chunks(keys, inListChunk)) {
    const rows = await db
      .selectFrom('audits')
      .select(['key', 'result'])
      .where('key', 'in', some)
      .execute()
    for (const { key, result } of rows)
      found.set(key, fromJson<ModelAudit>(result, 'audit of a model'))
  }
  return found
}
