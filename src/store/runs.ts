import { GauntletError } from '../errors.js'
import { fromJson, toJson } from './json.js'
import { chunks, insertChunk, type StoreDatabase } from './tables.js'
import type { CellPlan, NewRun, RunRecord, RunStatus, RunSummary } from './types.js'

export async function createRun(db: StoreDatabase, run: NewRun): Promise<void> {
  if (run.id === '' || run.id === 'latest')
    throw new Error(`a run cannot be called ${JSON.stringify(run.id)}`)
  const now = new Date().toISOString()
  await db.transaction().execute(async (trx) => {
    const row = await trx
      .insertInto('runs')
      .values({
        id: run.id,
        suite: run.suite,
        title: run.title,
        seed: run.seed,
        plan_digest: run.planDigest,
        manifest: toJson(run.manifest),
        status: 'running' satisfies RunStatus,
        created_at: now,
        updated_at: now,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('seq')
      .executeTakeFirst()
    if (row === undefined) throw existing(run.id)
    await insertCells(trx, row.seq, run.cells)
  })
}

async function insertCells(
  db: StoreDatabase,
  run: number,
  plans: readonly CellPlan[],
): Promise<void> {
  const cells = plans.map((plan, position) => ({
    run,
    position,
    id: plan.id,
    spec: toJson({ ...plan, id: undefined, tasks: undefined }),
  }))
  for (const rows of chunks(cells, insertChunk)) await db.insertInto('cells').values(rows).execute()
  const tasks = plans.flatMap((plan, cell) =>
    plan.tasks.map((key, position) => ({ run, cell, position, key })),
  )
  for (const rows of chunks(tasks, insertChunk))
    await db.insertInto('cell_tasks').values(rows).execute()
}

export async function findResumableRun(
  db: StoreDatabase,
  planDigest: string,
): Promise<RunRecord | undefined> {
  return await db
    .transaction()
    .setAccessMode('read only')
    .execute(async (trx) => {
      const row = await trx
        .selectFrom('runs')
        .selectAll()
        .where('plan_digest', '=', planDigest)
        .where('status', '!=', 'complete' satisfies RunStatus)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row && (await record(trx, row))
    })
}

export async function setRunStatus(
  db: StoreDatabase,
  id: string,
  status: RunStatus,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const seq = await seqOfRun(trx, id)
    await trx
      .updateTable('runs')
      .set({ status, updated_at: new Date().toISOString() })
      .where('seq', '=', seq)
      .execute()
  })
}

export async function listRuns(db: StoreDatabase): Promise<RunSummary[]> {
  const rows = await db.selectFrom('runs').selectAll().orderBy('seq', 'desc').execute()
  return rows.map(summary)
}

export async function getRun(db: StoreDatabase, reference: string): Promise<RunRecord> {
  return await db
    .transaction()
    .setAccessMode('read only')
    .execute(async (trx) => await record(trx, await findRow(trx, reference)))
}

/** @throws GauntletError GNT_STORE_NOT_FOUND */
export async function seqOfRun(db: StoreDatabase, id: string): Promise<number> {
  const row = await db.selectFrom('runs').select('seq').where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw await notFound(db, id)
  return row.seq
}

/** The cells of a run in planned order. */
export async function cellsOf(db: StoreDatabase, run: number): Promise<CellPlan[]> {
  const rows = await db
    .selectFrom('cells')
    .select(['id', 'spec'])
    .where('run', '=', run)
    .orderBy('position')
    .execute()
  const keys = await db
    .selectFrom('cell_tasks')
    .select(['cell', 'key'])
    .where('run', '=', run)
    .orderBy('cell')
    .orderBy('position')
    .execute()
  const tasks = rows.map((): string[] => [])
  for (const { cell, key } of keys) tasks[cell]?.push(key)
  return rows.map(({ id, spec }, position) => ({
    id,
    ...fromJson<Omit<CellPlan, 'id' | 'tasks'>>(spec, `cell ${id}`),
    tasks: tasks[position] ?? [],
  }))
}

interface RunRow {
  readonly seq: number
  readonly id: string
  readonly suite: string
  readonly title: string
  readonly seed: number
  readonly plan_digest: string
  readonly manifest: string
  readonly status: string
  readonly created_at: string
  readonly updated_at: string
}

function summary(row: RunRow): RunSummary {
  return {
    id: row.id,
    suite: row.suite,
    title: row.title,
    seed: row.seed,
    planDigest: row.plan_digest,
    status: row.status as RunStatus,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

async function record(db: StoreDatabase, row: RunRow): Promise<RunRecord> {
  return {
    ...summary(row),
    manifest: fromJson<Record<string, unknown>>(row.manifest, `manifest of run ${row.id}`),
    cells: await cellsOf(db, row.seq),
  }
}

async function findRow(db: StoreDatabase, reference: string): Promise<RunRow> {
  const runs = db.selectFrom('runs').selectAll().orderBy('seq', 'desc')
  if (reference === 'latest') {
    const row = await runs.limit(1).executeTakeFirst()
    if (row === undefined) throw await notFound(db, reference)
    return row
  }
  const exact = await runs.where('id', '=', reference).executeTakeFirst()
  if (exact !== undefined) return exact
  if (reference === '') throw await notFound(db, reference)
  // Not LIKE, in which `_` and `%` are wild.
  const matches = await runs
    .where((where) =>
      where(where.fn('substr', ['id', where.val(1), where.val(reference.length)]), '=', reference),
    )
    .limit(4)
    .execute()
  const [only, ...others] = matches
  if (only === undefined) throw await notFound(db, reference)
  if (others.length > 0)
    throw new GauntletError('GNT_STORE_NOT_FOUND', {
      what: 'the start of a run id fits several runs',
      where: reference,
      got: list(matches.map((row) => row.id)),
      fix: 'type more of the id',
    })
  return only
}

async function notFound(db: StoreDatabase, reference: string): Promise<GauntletError> {
  const latest = await db.selectFrom('runs').select('id').orderBy('seq', 'desc').limit(4).execute()
  return new GauntletError('GNT_STORE_NOT_FOUND', {
    what: 'no such run in the store',
    where: reference,
    fix:
      latest.length === 0
        ? 'the store has no runs: make one first'
        : `the latest are ${list(latest.map((row) => row.id))}`,
  })
}

/** At most three, for a message. */
function list(ids: readonly string[]): string {
  return ids.slice(0, 3).join(', ') + (ids.length > 3 ? ', …' : '')
}

function existing(id: string): GauntletError {
  return new GauntletError('GNT_STORE', {
    what: 'the store has a run of this id already',
    where: id,
    fix: 'choose another id',
  })
}
