import type { DatasetSpec } from '../src/data/dataset.js'
import type { ErrorCode, ErrorDetail } from '../src/errors.js'
import type { ExaminationTask, Task, TaskResult } from '../src/plan/task.js'
import type { TrialResult, TrialTask } from '../src/plan/trial.js'
import type { Finding } from '../src/trust/finding.js'

/** An error as it crosses a process border. */
export interface WireError {
  readonly code: ErrorCode | null
  readonly detail: ErrorDetail
  readonly stack?: string | undefined
}

/** What a pool is started with. */
export interface PoolSettings {
  readonly workers: number
  readonly dataset: DatasetSpec & { readonly digest: string }
  /** What trials poison; none where there are no trials. */
  readonly trainingData?: (DatasetSpec & { readonly digest: string }) | undefined
  /** Execution provider of ONNX Runtime. */
  readonly device: string
  /** Modules with attacks of third parties: absolute paths. Each worker loads them itself. */
  readonly plugins?: readonly string[] | undefined
}

/** From the coordinator to the process that holds the pool. */
export type ToPool =
  | ({ readonly type: 'start' } & PoolSettings)
  | ({ readonly type: 'job'; readonly id: number } & ThreadJob)
  | { readonly type: 'cancel' }
  | { readonly type: 'stop' }

/** What a worker thread is asked, and what it answers. */
export type ThreadJob =
  | { readonly kind: 'attack' | 'rehearsal'; readonly task: Task }
  | { readonly kind: 'examination'; readonly task: ExaminationTask }
  | { readonly kind: 'trial' | 'trial-rehearsal'; readonly task: TrialTask }

/** Null after a rehearsal. */
type JobResult = TaskResult | TrialResult | readonly Finding[] | null

export type ThreadAnswer = { readonly result: JobResult } | { readonly error: WireError }

/** And back. */
export type FromPool =
  | { readonly type: 'ready' }
  | { readonly type: 'refused'; readonly error: WireError }
  | { readonly type: 'result'; readonly id: number; readonly result: JobResult }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
