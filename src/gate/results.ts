import type { Mean, PairedDifference, Proportion, TrialsDifference } from '../stats/types.js'
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

export interface PoisonRate {
  readonly value: number
  readonly of: 'dataset' | 'targetClass' | 'sourceClass'
}

/** What names a cell of poisoning trials within a version. */
export interface PoisonId {
  /** Plugin id. */
  readonly poison: string
  readonly label: string
  readonly rate: PoisonRate
  /** Digest of the poison's version and parameters and of the data: two versions are compared only where it is equal. */
  readonly digest: string
}

/** One trial with one set of training samples: all that the attacker left, or what a filter left of them. */
export interface TrialValues {
  /** Share of the attacked test samples that reach the attacker's goal. */
  readonly attackSuccess: number
  /** Clean accuracy of the clean arm − of this one; null: there is no clean arm. */
  readonly cleanLoss: number | null
}

export interface TrialOutcome {
  /** What two versions share where they were trained on the same poisoned data: source, target, seed. */
  readonly trial: string
  /** None: the trial lacks this arm. */
  readonly poisoned?: TrialValues | undefined
  /** By filter: id of a detector, `random` or `oracle`. */
  readonly filtered: Readonly<Record<string, TrialValues>>
}

/** All trials of one version × poison × rate. */
export interface PoisonResults extends PoisonId {
  readonly planned: number
  /** Trials that are done. */
  readonly trials: readonly TrialOutcome[]
  /** Why numbers are not valid; with a filter: only those after it. */
  readonly doubts: readonly { readonly text: string; readonly filter?: string | undefined }[]
}

/** What an examination of the model's file for backdoors found. */
export interface BackdoorAudit {
  readonly classes: number
  /** Classes that a small trigger reaches, by number. */
  readonly flagged: readonly number[]
  /** Why nothing follows from it, one line each. */
  readonly doubts: readonly string[]
}

export interface VersionResults {
  readonly version: string
  readonly modelDigest: string
  /** Equal digests mean: same data, same preprocessing space. Compared before any pairing. */
  readonly datasetDigest: string
  readonly cells: readonly CellResults[]
  /** Absent: none was planned. */
  readonly poisons?: readonly PoisonResults[] | undefined
  /** Absent: the file was not examined. */
  readonly audit?: BackdoorAudit | undefined
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
  /** One-sided p of the test against the baseline, after Holm over the family of the gate's tests. */
  readonly pAdjusted?: number | undefined
  /** Rules about poisons: the candidate's value over trials, at the worst poison and rate of the rule's scope. */
  readonly mean?: Mean | undefined
  /** Rules about poisons: against the baseline, on the same trials; above 0 is worse. */
  readonly change?: TrialsDifference | undefined
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
