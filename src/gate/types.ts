import type { PairedDifference, Proportion } from '../stats/types.js'

export type Verdict = 'pass' | 'fail' | 'inconclusive'

export type RuleLevel = 'off' | 'warn' | 'error'

/** Which cells a rule speaks of; an absent field matches all. */
export interface RuleScope {
  readonly attack?: string | undefined
  readonly norm?: 'linf' | 'l2' | 'l1' | undefined
  readonly epsilon?: number | undefined
}

interface RuleCommon {
  /** Unique within the gate; shown in reasons and used by waivers. */
  readonly id: string
  readonly level?: RuleLevel | undefined
  readonly scope?: RuleScope | undefined
}

/** The lower end of the confidence interval decides: at least `min`. */
export interface FloorRule extends RuleCommon {
  readonly kind: 'floor'
  readonly metric: 'cleanAccuracy' | 'robustAccuracy'
  readonly min: number
  /** Default 0.95. */
  readonly confidence?: number | undefined
}

/** The candidate may not be worse than the baseline by more than `margin`, at `confidence`, on the same samples. */
export interface NonInferiorityRule extends RuleCommon {
  readonly kind: 'non-inferiority'
  readonly metric: 'cleanAccuracy' | 'robustAccuracy'
  /** As a share: 0.02 is two percentage points. */
  readonly margin: number
  /** Default 0.95. */
  readonly confidence?: number | undefined
}

/** These attacks must have run to the end on every sample. */
export interface RequiredAttacksRule extends RuleCommon {
  readonly kind: 'required-attacks'
  readonly attacks: readonly string[]
}

export type GateRule = FloorRule | NonInferiorityRule | RequiredAttacksRule

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

/** All outcomes of one version × attack × threat. */
export interface CellResults {
  readonly attack: string
  readonly label: string
  readonly norm: 'linf' | 'l2' | 'l1'
  readonly epsilon: number
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
  readonly kind: GateRule['kind']
  readonly level: RuleLevel
  readonly verdict: Verdict
  /** One line a release manager understands: numbers, interval, p-value, counts. */
  readonly reason: string
  readonly waived?: { readonly reason: string; readonly expires: string } | undefined
  readonly value?: Proportion | undefined
  readonly difference?: PairedDifference | undefined
  /** After Holm over the family of the gate's tests. */
  readonly pAdjusted?: number | undefined
}

export interface GateResult {
  readonly verdict: Verdict
  readonly baseline: string | null
  readonly candidate: string
  readonly rules: readonly RuleResult[]
}
