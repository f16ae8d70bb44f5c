import type { DatasetSpec } from '../data/dataset.js'
import type { AttackSpec, ModelSpec, Outcome } from '../plan/task.js'
import type { ThreatModel } from '../threat/threat-model.js'

export type RunStatus = 'running' | 'complete' | 'incomplete' | 'interrupted'

/** One cell as planned: a model version × an attack × a threat model × a range of samples. */
export interface CellPlan {
  /** Unique within the run; `Task.cell` of the cell's tasks. */
  readonly id: string
  readonly model: ModelSpec
  readonly attack: AttackSpec
  readonly threat: ThreatModel
  readonly dataset: DatasetSpec & { readonly digest: string }
  /** First sample and one past the last. The cell's tasks cover exactly this range. */
  readonly from: number
  readonly to: number
  /** Keys of the cell's tasks, in order, none twice. Tasks are shared: other cells and runs may name them too. */
  readonly tasks: readonly string[]
}

export interface NewRun {
  /** Any text but `latest`; unique in the store. */
  readonly id: string
  readonly suite: string
  readonly title: string
  readonly seed: number
  /** Digest of everything planned: equal plans have equal digests, and an unfinished one is resumed by it. */
  readonly planDigest: string
  /** What the run used, for the report. JSON, in which NaN and the infinities are allowed too. */
  readonly manifest: Readonly<Record<string, unknown>>
  readonly cells: readonly CellPlan[]
}

export interface RunSummary {
  readonly id: string
  readonly suite: string
  readonly title: string
  readonly seed: number
  readonly planDigest: string
  readonly status: RunStatus
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** When the status was last set. ISO 8601, UTC. */
  readonly updatedAt: string
}

export interface RunRecord extends RunSummary {
  readonly manifest: Readonly<Record<string, unknown>>
  readonly cells: readonly CellPlan[]
}

/** `failed`: it may be tried again. `quarantined`: it killed its runner twice and is not. */
export type FailureKind = 'failed' | 'quarantined'

export interface Failure {
  readonly kind: FailureKind
  readonly message: string
}

/** What is known of one cell of a run. */
export interface CellOutcomes {
  readonly cell: CellPlan
  /** Of the tasks that are done, ascending by sample; no sample twice. */
  readonly outcomes: readonly Outcome[]
  /** Over the tasks that are done. A task done by an earlier run counts with the time it took then. */
  readonly seconds: number
  readonly secondsInRuntime: number
  /** Every different note of the tasks, in order of first appearance. */
  readonly notes: readonly string[]
  readonly tasksDone: number
  /** Every task is done and every sample of the cell's range has an outcome. */
  readonly complete: boolean
  /** Of this run's tasks that failed and have not completed since. */
  readonly failures: readonly (Failure & { readonly key: string })[]
}

/** A name that points to one version of one run. */
export interface Baseline {
  readonly name: string
  readonly runId: string
  readonly version: string
  /** Why it was set; may be empty. */
  readonly note: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
}
