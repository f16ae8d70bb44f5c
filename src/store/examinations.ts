import type { Finding } from '../trust/finding.js'
import { fromJson, toJson } from './json.js'
import { chunks, inListChunk, type StoreDatabase } from './tables.js'

export async function saveExamination(
  db: StoreDatabase,
  key: string,
  findings: readonly Finding[],
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('examinations')
      .values({ key, findings: toJson(findings), created_at: new Date().toISOString() })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .execute()
    await trx.deleteFrom('failures').where('key', '=', key).execute()
  })
}

export async function examinationsOf(
  db: StoreDatabase,
  keys: readonly string[],
): Promise<Map<string, readonly Finding[]>> {
  const found = new Map<string, readonly Finding[]>()
  for (const some of chunks(keys, inListChunk)) {
    const rows = await db
      .selectFrom('examinations')
      .select(['key', 'findings'])
      .where('key', 'in', some)
      .execute()
    for (const { key, findings } of rows)
      found.set(key, fromJson<readonly Finding[]>(findings, 'findings of an examination'))
  }
  return found
}
