import { randomBytes } from 'node:crypto'
import { totalmem } from 'node:os'
import { sampleSize, type Dataset } from '../../data/dataset.js'
import type { Task } from '../../plan/task.js'
import type { Cell, Plan } from '../../plan/plan.js'
import type { TrialTask } from '../../plan/trial.js'
import type { Store } from '../../store/store.js'
import type { RunStatus } from '../../store/types.js'
import { execute, type ExecuteResult } from '../../../workers/coordinator.js'
import { GauntletError } from '../../errors.js'
import type { StoreOnDemand } from '../with-store.js'
import type { ResolvedRun } from './resolve.js'

export interface RunEvents {
  /** The models are opened and tried out: seconds in which nothing else is to be seen. */
  onRehearsal?(): void
  /** Before the first task: what is there already, and what is to do. */
  onPlan?(planned: {
    readonly runId: string
    readonly resumed: boolean
    readonly total: number
    readonly cached: number
    /** Tasks to do, by cell. */
    readonly cells: ReadonlyMap<string, number>
  }): void
  onTask?(task: Pick<Task, 'cell'>, state: 'done' | 'failed'): void
}

export interface RunOutcome {
  readonly runId: string
  readonly status: RunStatus
  readonly tasks: number
  /** Done by this call; the others were in the store already. */
  readonly executed: number
  readonly failed: number
  readonly seconds: number
}

/**
 * Runs what the store does not have yet. The same plan again continues its unfinished run, and repeats
 * nothing; when all of it is there, nothing is run at all. Nothing is written before every model has been
 * tried out.
 *
 * @throws GauntletError of a model, data or attack that cannot work; GNT_INTERRUPTED before the first task
 */
export async function executeRun(
  resolved: ResolvedRun,
  stored: StoreOnDemand,
  options: {
    readonly workers: number
    readonly devices: readonly string[]
    readonly plugins?: readonly string[]
    readonly signal?: AbortSignal
    readonly events?: RunEvents
  },
): Promise<RunOutcome> {
  const { plan } = resolved
  const { events, signal, workers } = options
  const tasks = plan.cells.flatMap((cell) => cell.tasks)
  const unique = [...new Map(tasks.map((task) => [task.key, task])).values()]
  const keys = unique.map((task) => task.key)
  const cached = (await stored.existing?.completedKeys(keys)) ?? new Set()
  const todo = unique.filter((task) => !cached.has(task.key))
  const examined = await stored.existing?.examinationsOf(plan.examinations.map(({ key }) => key))
  const examinations = plan.examinations.filter(({ key }) => !examined?.has(key))
  const { all, trials } = await openTrials(plan, stored.existing)
  const total = unique.length + plan.examinations.length + all
  const known = total - todo.length - examinations.length - trials.length
  const begin = async (): Promise<OpenRun> => {
    const run = await openRun(resolved, await stored.open())
    const cells = new Map<string, number>()
    for (const task of [...examinations, ...todo, ...trials])
      cells.set(task.cell, (cells.get(task.cell) ?? 0) + 1)
    const { runId, resumed } = run
    events?.onPlan?.({ runId, resumed, total, cached: known, cells })
    return run
  }
  const finish = async (
    { runId, store }: OpenRun,
    status: RunStatus,
    { done, failed, seconds }: Pick<ExecuteResult, 'done' | 'failed' | 'seconds'>,
  ): Promise<RunOutcome> => {
    await store.setRunStatus(runId, status)
    return { runId, status, tasks: total, executed: done, failed, seconds }
  }
  if (known === total)
    return await finish(await begin(), 'complete', { done: 0, failed: 0, seconds: 0 })

  let run: OpenRun | undefined
  const begun = (): OpenRun => {
    if (!run) throw new Error('a task ended before the run began')
    return run
  }
  events?.onRehearsal?.()
  try {
    const result = await execute({
      tasks: todo,
      examinations,
      trials,
      mostTrials: resolved.trainingData && mostTrials(resolved.trainingData, resolved.dataset),
      rehearsals: rehearsals(plan.cells, todo),
      trialRehearsals: trialRehearsals(trials),
      dataset: plan.dataset,
      trainingData: trials[0]?.trainingData,
      workers,
      devices: options.devices,
      plugins: options.plugins,
      signal,
      sink: {
        save: async (task, outcome) => void (await begun().store.saveResult(task, outcome)),
        saveTrial: async (result) => void (await begun().store.saveTrial(result)),
        saveExamination: ({ key }, findings) => begun().store.saveExamination(key, findings),
        fail: async (task, kind, message) =>
          void (await begun().store.saveFailure(begun().runId, task.key, { kind, message })),
      },
      onStart: async () => void (run = await begin()),
      onTask: (task, state) => events?.onTask?.(task, state),
    })
    if (!run)
      throw new GauntletError('GNT_INTERRUPTED', {
        what: 'interrupted before the first task',
        fix: 'nothing was written; run the same command again',
      })
    const isWhole = result.done === todo.length + examinations.length + trials.length
    const status = isWhole ? 'complete' : result.interrupted ? 'interrupted' : 'incomplete'
    return await finish(run, status, result)
  } catch (error) {
    // What went wrong is more to the point than that the store cannot note it.
    await run?.store.setRunStatus(run.runId, 'incomplete').catch(() => {})
    throw error
  }
}

/** The trials of a plan that are still to do, by seed: those that share their clean training follow each other. */
async function openTrials(
  { trialCells }: Plan,
  store: Store | undefined,
): Promise<{ readonly all: number; readonly trials: readonly TrialTask[] }> {
  const tasks = trialCells.flatMap((cell) => cell.tasks)
  const unique = [...new Map(tasks.map((task) => [task.key, task])).values()]
  const done = await store?.trialsOf(unique.map(({ key }) => key))
  const open = unique.filter(({ key }) => !done?.has(key))
  return { all: unique.length, trials: open.toSorted((a, b) => a.trial - b.trial) }
}

/** Copies of the training data in float32 that one trial holds at its peak. */
const copiesOfATrial = 4

/** Trials that may run at the same time, so that their data take half of the memory at most. */
export function mostTrials(
  train: Pick<Dataset, 'count' | 'shape'>,
  test: Pick<Dataset, 'count' | 'shape'>,
): number {
  const floats = train.count * sampleSize(train) * copiesOfATrial + test.count * sampleSize(test)
  return Math.max(1, Math.floor(totalmem() / 2 / (floats * 4)))
}

/** One trial of each pipeline × poison × rate that still has work. */
export function trialRehearsals(trials: readonly TrialTask[]): TrialTask[] {
  return [...new Map(trials.toReversed().map((task) => [task.cell, task])).values()].toReversed()
}

/** A run in its store. */
interface OpenRun {
  readonly store: Store
  readonly runId: string
  readonly resumed: boolean
}

async function openRun(
  { plan, suite, title, seed, manifest }: ResolvedRun,
  store: Store,
): Promise<OpenRun> {
  const known = (await store.listRuns()).find((run) => run.planDigest === plan.digest)
  if (known) {
    await store.setRunStatus(known.id, 'running')
    return { store, runId: known.id, resumed: true }
  }
  const now = new Date().toISOString()
  const runId = `${now.slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`
  await store.createRun({
    id: runId,
    suite,
    title,
    seed,
    planDigest: plan.digest,
    manifest: {
      ...manifest,
      examinations: plan.examinations.map(({ model, key }) => ({ version: model.version, key })),
      startedAt: now,
    },
    cells: plan.cells.map((cell) => ({
      id: cell.id,
      model: cell.model,
      attack: cell.attack,
      threat: cell.threat,
      dataset: cell.tasks[0]!.dataset,
      from: cell.tasks[0]!.from,
      to: cell.tasks.at(-1)!.to,
      tasks: cell.tasks.map((task) => task.key),
    })),
  })
  return { store, runId, resumed: false }
}

/**
 * Two samples of one cell for each model × attack × norm that still has work: shows at once whether the model
 * opens, fits the data and can be differentiated.
 */
export function rehearsals(cells: readonly Cell[], todo: readonly Task[]): Task[] {
  const waiting = new Set(todo.map((task) => task.cell))
  const chosen = new Map<string, Task>()
  for (const cell of cells) {
    if (!waiting.has(cell.id)) continue
    const { model, attack, threat } = cell
    const { norm, goal, features, quantize } = threat
    const key = JSON.stringify([
      model.digest,
      model.version,
      attack,
      norm,
      goal,
      features,
      quantize,
    ])
    const [first] = cell.tasks
    if (first && !chosen.has(key))
      chosen.set(key, { ...first, to: Math.min(first.from + 2, first.to), keepExamples: 0 })
  }
  return [...chosen.values()]
}
