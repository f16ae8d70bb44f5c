import type { ModelAudit } from '../audit/model/result.js'
import type { Example, Task, TaskResult } from '../plan/task.js'
import type { TrialResult } from '../plan/trial.js'
import type { Finding } from '../trust/finding.js'
import { auditsOf, saveAudit } from './audits.js'
import { baselineHistory, getBaseline, listBaselines, setBaseline } from './baselines.js'
import { examinationsOf, saveExamination } from './examinations.js'
import { examplesOf } from './examples.js'
import { failuresOf, outcomesOf } from './outcomes.js'
import { createRun, findResumableRun, getRun, listRuns, seqOfRun, setRunStatus } from './runs.js'
import type { StoreDatabase } from './tables.js'
import { completedKeys, saveFailure, saveResult } from './tasks.js'
import { saveTrial, trialsOf } from './trials.js'
import type {
  Baseline,
  CellOutcomes,
  Failure,
  NewRun,
  RunRecord,
  RunStatus,
  RunSummary,
} from './types.js'

/**
 * What was planned and what happened to every sample: all that a report is made from. Each method
 * that writes is one transaction: when it resolves, a crash or a power cut loses nothing of it.
 *
 * Every method throws GauntletError GNT_STORE if the file is locked by another process for longer than
 * ten seconds, damaged, or the disk is full; and for a text with a NUL character or half a surrogate
 * pair, which would not come back as it went in.
 */
export class Store {
  readonly #db: StoreDatabase

  /** @param db - with the newest schema; see `openStore` */
  constructor(db: StoreDatabase) {
    this.#db = db
  }

  /**
   * Closes the file when the call that is going on has ended. A second call does nothing; every other
   * method fails from now on.
   */
  async close(): Promise<void> {
    await this.#db.destroy()
  }

  /**
   * Adds a run with its plan, in status `running`.
   *
   * @throws GauntletError GNT_STORE if there is a run of this id; nothing is changed then
   */
  async createRun(run: NewRun): Promise<void> {
    await createRun(this.#db, run)
  }

  /** The latest run of this plan that is not `complete`; it may still be `running` in another process. */
  async findResumableRun(planDigest: string): Promise<RunRecord | undefined> {
    return await findResumableRun(this.#db, planDigest)
  }

  /** @throws GauntletError GNT_STORE_NOT_FOUND if there is no run of this id */
  async setRunStatus(id: string, status: RunStatus): Promise<void> {
    await setRunStatus(this.#db, id, status)
  }

  /** Newest first, by order of creation. */
  async listRuns(): Promise<RunSummary[]> {
    return await listRuns(this.#db)
  }

  /**
   * @param reference - a run's id, or the start of one, or `latest`: the run created last
   * @throws GauntletError GNT_STORE_NOT_FOUND if it names no run, or is the start of several ids
   */
  async getRun(reference: string): Promise<RunRecord> {
    return await getRun(this.#db, reference)
  }

  /** Which of `keys` are done, by whichever run. */
  async completedKeys(keys: readonly string[]): Promise<Set<string>> {
    return await completedKeys(this.#db, keys)
  }

  /**
   * Saves a task as done, with its outcomes and examples, and forgets its failures in all runs. The
   * first result of a key stays: saving the key again changes nothing, so its examples too are those
   * of the first time.
   *
   * @param result - one outcome for each sample of the task's range, in any order
   * @returns false if the key was done already
   * @throws Error if `result` is not of `task` or not whole
   */
  async saveResult(task: Task, result: TaskResult): Promise<boolean> {
    return await saveResult(this.#db, task, result)
  }

  /**
   * Notes that a task of a run failed; a second failure of the task replaces the first. Characters of
   * the message that cannot be stored become U+FFFD.
   *
   * @returns false, and nothing is noted, if the task has been done meanwhile
   * @throws GauntletError GNT_STORE_NOT_FOUND if there is no run of this id
   */
  async saveFailure(runId: string, key: string, failure: Failure): Promise<boolean> {
    return await saveFailure(this.#db, runId, key, failure)
  }

  /**
   * All that is known of a run, by cell in planned order, as of one moment. The one method whose answer
   * is large: about 0.15 GB and 5 s for a million outcomes.
   *
   * @param runId - the whole id
   * @throws GauntletError GNT_STORE_NOT_FOUND if there is no run of this id
   */
  async outcomesOf(runId: string): Promise<CellOutcomes[]> {
    return await outcomesOf(this.#db, runId)
  }

  /**
   * The examples that were kept of one cell, ascending by sample; none if there is no such cell.
   *
   * @param runId - the whole id
   * @throws GauntletError GNT_STORE_NOT_FOUND if there is no run of this id
   */
  async examplesOf(runId: string, cellId: string): Promise<Example[]> {
    return await examplesOf(this.#db, runId, cellId)
  }

  /** Saves what an examination found; the first result of a key stays. Forgets its failures in all runs. */
  async saveExamination(key: string, findings: readonly Finding[]): Promise<void> {
    await saveExamination(this.#db, key, findings)
  }

  /** Of those of `keys` that are done, what they found. */
  async examinationsOf(keys: readonly string[]): Promise<Map<string, readonly Finding[]>> {
    return await examinationsOf(this.#db, keys)
  }

  /**
   * Saves a trial of a poison as done, and forgets its failures in all runs. The first result of a key stays.
   * @returns false if the key was done already
   */
  async saveTrial(result: TrialResult): Promise<boolean> {
    return await saveTrial(this.#db, result)
  }

  /** Of those of `keys` that are done, by whichever run, what came out. */
  async trialsOf(keys: readonly string[]): Promise<Map<string, TrialResult>> {
    return await trialsOf(this.#db, keys)
  }

  /** Saves what an audit of a model found; the first result of a key stays. Forgets its failures in all runs. */
  async saveAudit(key: string, audit: ModelAudit): Promise<void> {
    await saveAudit(this.#db, key, audit)
  }

  /** Of those of `keys` that are done, what they found. */
  async auditsOf(keys: readonly string[]): Promise<Map<string, ModelAudit>> {
    return await auditsOf(this.#db, keys)
  }

  /**
   * What of a run failed and has not been done since, by key: tasks, examinations and trials.
   *
   * @param runId - the whole id
   * @throws GauntletError GNT_STORE_NOT_FOUND if there is no run of this id
   */
  async failuresOf(runId: string): Promise<Map<string, Failure>> {
    return await failuresOf(this.#db, await seqOfRun(this.#db, runId))
  }

  /**
   * Points a baseline at a version of a run. Where it pointed before is kept as history.
   *
   * @param note - why; may be empty
   * @throws GauntletError GNT_STORE_NOT_FOUND if there is no run of this id, or no such version in it
   */
  async setBaseline(name: string, runId: string, version: string, note: string): Promise<void> {
    await setBaseline(this.#db, name, runId, version, note)
  }

  /** Where the baseline points now; undefined if it was never set. */
  async getBaseline(name: string): Promise<Baseline | undefined> {
    return await getBaseline(this.#db, name)
  }

  /** Everything the baseline pointed to, newest first; empty if it was never set. */
  async baselineHistory(name: string): Promise<Baseline[]> {
    return await baselineHistory(this.#db, name)
  }

  /** Where each baseline points now, by name. */
  async listBaselines(): Promise<Baseline[]> {
    return await listBaselines(this.#db)
  }
}
