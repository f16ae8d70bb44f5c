import { GauntletError } from '../errors.js'
import { fromJson } from './json.js'
import { cellsOf, seqOfRun } from './runs.js'
import type { StoreDatabase } from './tables.js'
import type { Baseline } from './types.js'

export async function setBaseline(
  db: StoreDatabase,
  name: string,
  runId: string,
  version: string,
  note: string,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const run = await seqOfRun(trx, runId)
    const versions = await versionsOf(trx, run)
    if (!versions.has(version))
      throw new GauntletError('GNT_STORE_NOT_FOUND', {
        what: 'the run has no such version',
        where: `run ${runId}`,
        got: version,
        expected: [...versions].join(', '),
      })
    await trx
      .insertInto('baselines')
      .values({ name, run, version, note, created_at: new Date().toISOString() })
      .execute()
  })
}

/** Attacked, poisoned, or both. */
async function versionsOf(db: StoreDatabase, run: number): Promise<Set<string>> {
  const cells = await cellsOf(db, run)
  const { manifest } = await db
    .selectFrom('runs')
    .select('manifest')
    .where('seq', '=', run)
    .executeTakeFirstOrThrow()
  const { poisonings = [] } = fromJson<{ poisonings?: readonly { readonly version: string }[] }>(
    manifest,
    'manifest of a run',
  )
  return new Set([
    ...cells.map((cell) => cell.model.version),
    ...poisonings.map(({ version }) => version),
  ])
}

export async function getBaseline(db: StoreDatabase, name: string): Promise<Baseline | undefined> {
  const [current] = await baselineHistory(db, name)
  return current
}

export async function baselineHistory(db: StoreDatabase, name: string): Promise<Baseline[]> {
  return await baselines(db).where('baselines.name', '=', name).execute()
}

export async function listBaselines(db: StoreDatabase): Promise<Baseline[]> {
  const current = new Map<string, Baseline>()
  for (const baseline of await baselines(db).execute())
    if (!current.has(baseline.name)) current.set(baseline.name, baseline)
  return [...current.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Newest first. */
function baselines(db: StoreDatabase) {
  return db
    .selectFrom('baselines')
    .innerJoin('runs', 'runs.seq', 'baselines.run')
    .select([
      'baselines.name',
      'runs.id as runId',
      'baselines.version',
      'baselines.note',
      'baselines.created_at as createdAt',
    ])
    .orderBy('baselines.seq', 'desc')
}
