import type { TriggerForm } from '../../step/trigger.js'

/** Clean samples and what the model says of them. */
export interface AuditSamples {
  /** (count, ...sample) in [low, high] of the bounds, C order. */
  readonly x: Float32Array
  readonly count: number
  readonly shape: readonly number[]
  readonly bounds: readonly [number, number]
  /** True class of each sample. */
  readonly labels: ArrayLike<number>
}

/** One search: the least trigger of a form that sends all other samples to a class, from one seed. */
export interface SearchJob {
  readonly form: TriggerForm
  readonly target: number
  readonly seed: number
  /** Samples to search with, by index: none of the target class, none that is taken for it as it is. */
  readonly sources: readonly number[]
}

/** A trigger as the graph of its form has it. */
export type Trigger =
  | {
      readonly form: 'patch'
      /** In [0, 1], of `maskShape`. */
      readonly mask: Float32Array
      /** In the range of the inputs, as one sample. */
      readonly pattern: Float32Array
    }
  | {
      readonly form: 'additive'
      /** As one sample. */
      readonly delta: Float32Array
    }

export interface FoundTrigger {
  readonly job: SearchJob
  readonly trigger: Trigger
  /** Σ mask, or the L2 norm of δ. NaN where the search went wrong. */
  readonly size: number
  /** Whether it had stopped becoming smaller when the search ended. */
  readonly isSettled: boolean
}
