import type { AttackPlugin } from '../attack/types.js'
import type { ModelHandle } from '../model/handle.js'
import type { ThreatModel } from '../threat/threat-model.js'

/** `error` invalidates the number, `warning` lowers trust, `note` is for the reader. */
export type Severity = 'error' | 'warning' | 'note'

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

/** A signal that was raised. */
export interface Finding {
  readonly signal: string
  readonly severity: Severity
  /** The version of the model. */
  readonly version: string
  /** What exactly: `PGD-40, L∞ 8/255`; empty for the whole version. */
  readonly where: string
  /** What was measured, in one line with its numbers. */
  readonly text: string
}

/** How far the numbers of a version can be trusted. `void`: not at all. */
export type Trust = 'high' | 'medium' | 'low' | 'void'

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
