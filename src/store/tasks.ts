import type { Outcome, Task, TaskResult } from '../plan/task.js'
import { packExample } from './examples.js'
import { toJson } from './json.js'
import { seqOfRun } from './runs.js'
import { chunks, inListChunk, insertChunk, type StoreDatabase } from './tables.js'
import type { Failure } from './types.js'

export async function completedKeys(
  db: StoreDatabase,
  keys: readonly string[],
): Promise<Set<string>> {
  const done = new Set<string>()
  for (const some of chunks(keys, inListChunk)) {
    const rows = await db.selectFrom('tasks').select('key').where('key', 'in', some).execute()
    for (const { key } of rows) done.add(key)
  }
  return done
}

export async function saveResult(
  db: StoreDatabase,
  task: Task,
  result: TaskResult,
): Promise<boolean> {
  checkWhole(task, result)
  const examples = await Promise.all(result.examples.map(packExample))
  return await db.transaction().execute(async (trx) => {
    const row = await trx
      .insertInto('tasks')
      .values({
        key: task.key,
        cell: task.cell,
        from_sample: task.from,
        to_sample: task.to,
        seed: task.seed,
        seconds: result.seconds,
        seconds_in_runtime: result.secondsInRuntime,
        notes: toJson(result.notes),
        created_at: new Date().toISOString(),
      })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .returning('id')
      .executeTakeFirst()
    if (row === undefined) return false
    for (const some of chunks(result.outcomes, insertChunk))
      await trx
        .insertInto('outcomes')
        .values(some.map((outcome) => outcomeRow(row.id, outcome)))
        .execute()
    for (const some of chunks(examples, insertChunk))
      await trx
        .insertInto('examples')
        .values(some.map((example) => ({ task: row.id, ...example })))
        .execute()
    await trx.deleteFrom('failures').where('key', '=', task.key).execute()
    return true
  })
}

export async function saveFailure(
  db: StoreDatabase,
  runId: string,
  key: string,
  { kind, message }: Failure,
): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    const run = await seqOfRun(trx, runId)
    const done = await trx
      .selectFrom('tasks')
      .select('key')
      .where('key', '=', key)
      .union(trx.selectFrom('trials').select('key').where('key', '=', key))
      .executeTakeFirst()
    if (done !== undefined) return false
    const values = { kind, message: storable(message), created_at: new Date().toISOString() }
    await trx
      .insertInto('failures')
      .values({ run, key, ...values })
      .onConflict((conflict) => conflict.columns(['run', 'key']).doUpdateSet(values))
      .execute()
    return true
  })
}

/** A task counts as done for good, so what is saved must be one outcome for each of its samples. */
function checkWhole(task: Task, { key, outcomes, examples }: TaskResult): void {
  if (key !== task.key) throw new Error(`result of task ${key} saved as task ${task.key}`)
  const samples = new Set(outcomes.map((outcome) => outcome.sample))
  const inRange = (sample: number) =>
    Number.isInteger(sample) && sample >= task.from && sample < task.to
  const expected = task.to - task.from
  if (outcomes.length !== expected || samples.size !== expected || ![...samples].every(inRange))
    throw new Error(
      `task ${key} has ${outcomes.length} outcomes of ${samples.size} samples, expected one for each of ${task.from}..${task.to - 1}`,
    )
  if (!examples.every((example) => samples.has(example.sample)))
    throw new Error(`task ${key} has an example of a sample that is not its own`)
}

function outcomeRow(task: number, outcome: Outcome) {
  return {
    task,
    sample: outcome.sample,
    label: outcome.label,
    clean_prediction: outcome.cleanPrediction,
    adversarial_prediction: outcome.adversarialPrediction,
    success: outcome.success ? 1 : 0,
    distance: Number.isNaN(outcome.distance) ? null : outcome.distance,
    queries: outcome.queries,
    gradients: outcome.gradients,
  }
}

/** A crash can put anything into its message, and the message must not be a second failure. */
function storable(message: string): string {
  return message.replace(/\0|\p{Surrogate}/gu, '\u{fffd}')
}
