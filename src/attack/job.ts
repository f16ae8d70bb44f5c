import type { ModelHandle } from '../model/handle.js'
import type { AttackSpec, Outcome } from '../plan/task.js'
import type { ThreatModel } from '../threat/threat-model.js'
import type { AttackPlugin } from './types.js'

export interface AttackJob {
  readonly model: ModelHandle
  readonly plugin: AttackPlugin
  readonly spec: AttackSpec
  readonly threat: ThreatModel
  /** Clean samples (n, ...sample) in the data set's units, their labels, and their indices in the data set. */
  readonly x: Float32Array
  readonly labels: Int32Array
  readonly samples: readonly number[]
  readonly seed: number
  readonly batch: number
  /** Where gradients and scores come from, if not from the model: it is asked at the end of each restart only. */
  readonly surrogate?: ModelHandle | undefined
  /** Passes over which scores and gradients of a random model are averaged. Default 1. */
  readonly eot?: number | undefined
  /**
   * `fallen` (default): a sample leaves as soon as an example within epsilon is found. `closest`: attacks of minimum norm go
   * on to their end, to tell how near the closest example is.
   */
  readonly search?: 'fallen' | 'closest' | undefined
  /** Asked between steps; true ends the attack with GNT_INTERRUPTED. */
  readonly isCancelled: () => boolean
}

export interface AttackResult {
  readonly outcomes: readonly Outcome[]
  /**
   * The checked example of each sample: the fooling one, the closest for an attack of minimum norm; else the last point,
   * the clean sample where none was tried.
   */
  readonly xAdv: Float32Array
  readonly notes: readonly string[]
}
