import type { PairedDifference, Proportion } from '../stats/types.js'
import type { Norm } from '../threat/threat-model.js'

export type Verdict = 'pass' | 'fail' | 'inconclusive'

type RuleLevel = 'off' | 'warn' | 'error'

/** A waiver turns a failing rule into a warning until it expires. */
export interface Waiver {
  readonly rule: string
  readonly reason: string
  /** ISO date; the waiver holds to the end of that day, UTC. */
  readonly expires: string
}

/** What happened to a sample in one cell: right on the clean input, and still right under attack. */
export interface SampleResult {
  readonly sample: number
  readonly cleanRight: boolean
  /** Clean right and not fooled. */
  readonly robust: boolean
}

/** What names a cell within a version. */
export interface CellId {
  readonly attack: string
  readonly label: string
  readonly norm: Norm
  readonly epsilon: number
  /** What else the threat model asks for, in short; absent: nothing. */
  readonly constraints?: string | undefined
  /**
   * Digest of the attack's version and parameters. Two versions are compared only where it is equal;
   * without it, equal labels count as equal attacks.
   */
  readonly attackDigest?: string | undefined
}

/** All outcomes of one version × attack × threat. */
export interface CellResults extends CellId {
  /** False if shards are missing, failed or quarantined. */
  readonly complete: boolean
  readonly samples: readonly SampleResult[]
}

export interface VersionResults {
  readonly version: string
  readonly modelDigest: string
  /** Equal digests mean: same data, same preprocessing space. Compared before any pairing. */
  readonly datasetDigest: string
  readonly cells: readonly CellResults[]
}

export interface RuleResult {
  readonly id: string
  /** `floor`, `non-inferiority`, … */
  readonly kind: string
  readonly level: RuleLevel
  readonly verdict: Verdict
  /** One line a release manager understands: numbers, interval, p-value, counts. */
  readonly reason: string
  /** Set where a waiver keeps this rule from deciding over the gate. */
  readonly waived?: { readonly reason: string; readonly expires: string } | undefined
  /** The candidate's value, at the worst norm and epsilon of the rule's scope. */
  readonly value?: Proportion | undefined
  /** Against the baseline, at the worst norm and epsilon of the rule's scope. */
  readonly difference?: PairedDifference | undefined
  /** One-sided McNemar p after Holm over the family of the gate's tests. */
  readonly pAdjusted?: number | undefined
}

export interface GateResult {
  readonly verdict: Verdict
  /** Why, in one line: `1 of 3 rules fails: robust-drop`. Always set by `evaluateGate`. */
  readonly reason?: string | undefined
  readonly baseline: string | null
  readonly candidate: string
  /** All rules but those at level `off`. */
  readonly rules: readonly RuleResult[]
}
