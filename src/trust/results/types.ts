import type { AttackPlugin } from '../../attack/types.js'
import type { AttackSpec, Outcome } from '../../plan/task.js'
import type { Norm, ThreatModel } from '../../threat/threat-model.js'

/** One attack under one threat model, as the store has it. */
export interface ResultCell {
  readonly attack: AttackSpec
  readonly threat: ThreatModel
  readonly outcomes: readonly Outcome[]
  readonly complete: boolean
}

export interface ResultSet {
  readonly version: string
  readonly cells: readonly ResultCell[]
}

/** What the checks must know of a plugin. */
export interface AttackFacts extends Pick<AttackPlugin, 'kind' | 'needs'> {
  /** More than one gradient after the other. Default: as its parameters and outcomes tell. */
  readonly isIterative?: boolean | undefined
}

/** What a gate's rule speaks of; what is absent matches all. */
export interface GateThreat {
  readonly norm?: Norm | undefined
  readonly epsilon?: number | undefined
}

export interface ResultInput extends ResultSet {
  readonly baseline?: ResultSet | undefined
  /** Facts by plugin id; of a plugin that is not known any more, the outcomes tell. */
  readonly kinds: (id: string) => AttackFacts | undefined
  readonly gateThreats?: readonly GateThreat[] | undefined
  /**
   * Share of the samples that does not matter, as the gate's margin says. Default 0.01; without it no interval is held
   * against it (P15).
   */
  readonly tolerance?: number | undefined
}
