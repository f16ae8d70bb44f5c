import type { TrialResult } from '../plan/trial.js'
import { fromJson, toJson } from './json.js'
import { chunks, inListChunk, type StoreDatabase } from './tables.js'

export async function saveTrial(db: StoreDatabase, result: TrialResult): Promise<boolean> {
  const { key } = result
  return await db.transaction().execute(async (trx) => {
    const row = await trx
      .insertInto('trials')
      .values({ key, result: toJson(result), created_at: new Date().toISOString() })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .returning('key')
      .executeTakeFirst()
    if (row === undefined) return false
    await trx.deleteFrom('failures').where('key', '=', key).execute()
    return true
  })
}

export async function trialsOf(
  db: StoreDatabase,
  keys: readonly string[],
): Promise<Map<string, TrialResult>> {
  const found = new Map<string, TrialResult>()
  for (const some of chunks(keys, inListChunk)) {
    const rows = await db
      .selectFrom('trials')
      .select(['key', 'result'])
      .where('key', 'in', some)
      .execute()
    for (const { key, result } of rows)
      found.set(key, fromJson<TrialResult>(result, `result of trial ${key}`))
  }
  return found
}
