import type { AttackPlugin } from '../attack/types.js'
import type { ModelHandle } from '../model/handle.js'
import type { ThreatModel } from '../threat/threat-model.js'
import type { Severity } from './finding.js'

export type { Finding, Severity, Trust } from './finding.js'

/** One way in which an evaluation can mislead, and how it is noticed. */
export interface Signal {
  /** As it is cited: `P3`, `E2`. */
  readonly id: string
  readonly title: string
  /** Of a finding, unless the finding says less. */
  readonly severity: Severity
  /** What is measured, and from where on it is a finding. */
  readonly test: string
  /** Who described it. */
  readonly source: string
  /** What to do about it. */
  readonly remedy: string
}

/** A model and what it is examined with. */
export interface Examination {
  readonly version: string
  readonly model: ModelHandle
  /** Samples (n, ...sample) in the data set's units, and their labels. */
  readonly x: Float32Array
  readonly labels: Int32Array
  readonly samples: readonly number[]
  /** The threat models that the run attacks under, each norm's with its largest epsilon. */
  readonly threats: readonly ThreatModel[]
  /** The white-box attack that probes use: PGD. */
  readonly attack: AttackPlugin
  readonly seed: number
  readonly batch: number
  readonly isCancelled: () => boolean
}
