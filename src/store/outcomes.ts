import type { Outcome } from '../plan/task.js'
import { fromJson } from './json.js'
import { cellsOf, seqOfRun } from './runs.js'
import type { StoreDatabase } from './tables.js'
import type { CellOutcomes, CellPlan, Failure, FailureKind } from './types.js'

export async function outcomesOf(db: StoreDatabase, runId: string): Promise<CellOutcomes[]> {
  return await db
    .transaction()
    .setAccessMode('read only')
    .execute(async (trx) => {
      const run = await seqOfRun(trx, runId)
      const failures = await failuresOf(trx, run)
      const cells: CellOutcomes[] = []
      for (const [position, cell] of (await cellsOf(trx, run)).entries()) {
        const outcomes = await cellOutcomes(trx, run, position)
        const totals = await cellTotals(trx, run, position)
        cells.push({
          cell,
          outcomes,
          ...totals,
          complete:
            totals.tasksDone === cell.tasks.length && outcomes.length === cell.to - cell.from,
          failures: failuresIn(cell, failures),
        })
      }
      return cells
    })
}

async function cellOutcomes(db: StoreDatabase, run: number, cell: number): Promise<Outcome[]> {
  const rows = await db
    .selectFrom('cell_tasks')
    .innerJoin('tasks', 'tasks.key', 'cell_tasks.key')
    .innerJoin('outcomes', 'outcomes.task', 'tasks.id')
    .selectAll('outcomes')
    .where('cell_tasks.run', '=', run)
    .where('cell_tasks.cell', '=', cell)
    .orderBy('outcomes.sample')
    .execute()
  return rows.map((row) => ({
    sample: row.sample,
    label: row.label,
    cleanPrediction: row.clean_prediction,
    adversarialPrediction: row.adversarial_prediction,
    success: row.success !== 0,
    distance: row.distance ?? Number.NaN,
    queries: row.queries,
    gradients: row.gradients,
  }))
}

async function cellTotals(db: StoreDatabase, run: number, cell: number) {
  const tasks = await db
    .selectFrom('cell_tasks')
    .innerJoin('tasks', 'tasks.key', 'cell_tasks.key')
    .select(['tasks.key', 'tasks.seconds', 'tasks.seconds_in_runtime', 'tasks.notes'])
    .where('cell_tasks.run', '=', run)
    .where('cell_tasks.cell', '=', cell)
    .orderBy('cell_tasks.position')
    .execute()
  let seconds = 0
  let secondsInRuntime = 0
  const notes = new Set<string>()
  for (const task of tasks) {
    seconds += task.seconds
    secondsInRuntime += task.seconds_in_runtime
    for (const note of fromJson<string[]>(task.notes, `notes of task ${task.key}`)) notes.add(note)
  }
  return { seconds, secondsInRuntime, notes: [...notes], tasksDone: tasks.length }
}

export async function failuresOf(db: StoreDatabase, run: number): Promise<Map<string, Failure>> {
  const rows = await db
    .selectFrom('failures')
    .select(['key', 'kind', 'message'])
    .where('run', '=', run)
    .execute()
  return new Map(
    rows.map(({ key, kind, message }) => [key, { kind: kind as FailureKind, message }]),
  )
}

function failuresIn(cell: CellPlan, failures: ReadonlyMap<string, Failure>) {
  return cell.tasks.flatMap((key) => {
    const failure = failures.get(key)
    return failure === undefined ? [] : [{ key, ...failure }]
  })
}
