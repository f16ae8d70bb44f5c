import type { GateResult } from './gate/types.js'
import type { Mean, PairedDifference, Proportion, TrialsDifference } from './stats/types.js'
import type { Norm } from './threat/threat-model.js'
import type { Finding, Trust } from './trust/finding.js'

/** One row of the per-attack table. */
export interface CellView {
  readonly version: string
  /** Plugin id. */
  readonly attack: string
  /** `PGD-40`. */
  readonly label: string
  readonly norm: Norm
  readonly epsilon: number
  /** What else the threat model asks for, in short: `8-bit`; absent: nothing. */
  readonly constraints?: string | undefined
  readonly samples: number
  /** False if some shard failed or is missing: the numbers are then of what was done. */
  readonly complete: boolean
  readonly cleanAccuracy: Proportion
  readonly robustAccuracy: Proportion
  /** Fooled / correctly classified clean inputs. */
  readonly attackSuccess: Proportion
  readonly queries: number
  readonly gradients: number
  readonly seconds: number
  readonly secondsInRuntime: number
  readonly notes: readonly string[]
}

export interface VersionView {
  readonly version: string
  readonly path: string
  readonly digest: string
  readonly cleanAccuracy: Proportion
  /** Right under every attack of the suite, per threat: the per-sample worst case. Ascending epsilon. */
  readonly worstCase: readonly {
    readonly norm: Norm
    readonly epsilon: number
    readonly constraints?: string | undefined
    readonly robustAccuracy: Proportion
  }[]
  /** Where its gradients are those of surrogates, one phrase each; empty where they are exact. */
  readonly approximations: readonly string[]
}

/** What the harness found out about its own evaluation of a version. */
export interface TrustView {
  readonly version: string
  /** What the findings are about; absent: the attacks on the finished model. */
  readonly about?: 'poisoning' | 'backdoor audit' | undefined
  readonly trust: Trust
  /** Worst first. */
  readonly findings: readonly FindingView[]
}

export interface FindingView extends Finding {
  readonly title: string
  readonly remedy: string
}

export interface ComparisonView {
  readonly baseline: string
  readonly candidate: string
  /** `clean accuracy`, `worst case` or an attack's label. */
  readonly what: string
  /** Absent for clean accuracy. */
  readonly norm?: Norm | undefined
  readonly epsilon?: number | undefined
  readonly constraints?: string | undefined
  readonly baselineValue: Proportion
  readonly candidateValue: Proportion
  readonly difference: PairedDifference
  /** One-sided McNemar p after Holm over all rows of this comparison. */
  readonly pAdjusted: number
}

/** A sample whose example fools a version. Pixels in the data set's units, channels first. */
export interface PictureView {
  readonly version: string
  readonly label: string
  readonly norm: Norm
  readonly epsilon: number
  readonly constraints?: string | undefined
  readonly sample: number
  readonly trueClass: string
  readonly cleanClass: string
  readonly adversarialClass: string
  readonly distance: number
  readonly shape: readonly number[]
  readonly range: readonly [number, number]
  readonly clean: Float32Array
  readonly adversarial: Float32Array
}

interface PoisonRateView {
  readonly value: number
  readonly of: 'dataset' | 'targetClass' | 'sourceClass'
}

/** Means over the trials of a cell; each trial counts once. */
export interface ArmView {
  readonly cleanAccuracy: Mean
  /** Attacked test samples that reach the attacker's goal; without the poison: the base rate. */
  readonly attackSuccess: Mean
  /** Attacked test samples that keep their class. */
  readonly recoveredAccuracy: Mean
  /** Trials in which at least `successShare` of the attacked samples reach the goal: Clopper–Pearson. */
  readonly successfulTrials: Proportion
}

/** The poisoned arm after a filter. */
export interface FilterView extends ArmView {
  /** Id of a detector, `random` or `oracle`. */
  readonly filter: string
  /** Of all training samples, mean over trials; NaN: their number is not known. */
  readonly removedShare: number
  /** Of the poisoned samples, mean over trials. */
  readonly foundShare: number
  readonly trials: number
}

export interface DetectorView {
  readonly detector: string
  /** Means over the trials in which it applies; NaN: none, or it flagged nothing. */
  readonly precision: number
  readonly recall: number
  /** Of clean data, flagged; and what was stated. */
  readonly falsePositiveRate: number
  readonly stated: number
  readonly trials: number
  /** Why it does not apply, in the first trial where it does not. */
  readonly notApplicable?: string | undefined
}

/** Of one trial, one training. */
export interface TrialArmView {
  readonly source: number | null
  readonly target: number
  readonly seed: number
  readonly poisons: number
  readonly fed: number | null
  readonly arm: 'clean' | 'poisoned' | 'filtered'
  readonly filter: string | null
  readonly removed: number
  readonly removedPoisons: number
  readonly cleanRight: number
  readonly cleanTrials: number
  readonly attackSuccesses: number
  readonly attackTrials: number
  readonly recovered: number
  readonly seconds: number
}

/** All trials of one version × poison × rate. */
/** A poisoned training sample and what it was, as 8-bit levels of the data's range, (...shape), in base64. */
export interface PoisonExampleView {
  readonly index: number
  readonly shape: readonly number[]
  readonly label: number
  readonly poisonedLabel: number
  readonly clean: string
  readonly poisoned: string
}

export interface PoisonCellView {
  readonly version: string
  /** Plugin id. */
  readonly poison: string
  /** `BadNets 3×3`. */
  readonly label: string
  readonly title: string
  readonly goal: 'backdoor' | 'misclassification' | 'targeted' | 'availability'
  readonly rate: PoisonRateView
  readonly planned: number
  readonly done: number
  readonly complete: boolean
  readonly successShare: number
  /** Undefined: no trial has it. */
  readonly clean?: ArmView | undefined
  readonly poisoned?: ArmView | undefined
  /** Clean accuracy of the clean arm − of the poisoned arm: Student's interval, infinite for one trial. */
  readonly cleanLoss: Mean
  readonly filters: readonly FilterView[]
  readonly detectors: readonly DetectorView[]
  /** Attack success on paths that images take. */
  readonly paths: readonly { readonly path: string; readonly attackSuccess: Mean }[]
  readonly arms: readonly TrialArmView[]
  readonly seconds: number
  readonly secondsInRuntime: number
  readonly notes: readonly string[]
  /** None of tables. */
  readonly examples: readonly PoisonExampleView[]
}

/** Two versions in the same trials. */
export interface PoisonComparisonView {
  readonly baseline: string
  readonly candidate: string
  readonly label: string
  readonly rate: PoisonRateView
  /** After this filter; absent: the poisoned arm. */
  readonly filter?: string | undefined
  /** Attack success: higher is worse. */
  readonly baselineValue: Mean
  readonly candidateValue: Mean
  readonly difference: TrialsDifference
  /** One-sided signed-rank p after Holm over all rows of this comparison. */
  readonly pAdjusted: number
}

/** What a search for small triggers found in the file of a version. */
export interface AuditView {
  readonly version: string
  /** False: the file was scanned, and nothing is known of its classes. */
  readonly isComplete: boolean
  readonly reason?: string | undefined
  /** Labels of the classes that a small trigger reaches. */
  readonly flagged: readonly number[]
  readonly samples: number
  readonly seeds: number
  /** Each with the form of trigger that stands out most; null: not finite. */
  readonly classes: readonly {
    readonly label: number
    readonly name: string
    readonly isFlagged: boolean
    readonly form: string
    readonly size: number | null
    /** Of the median of all classes. */
    readonly ratio: number | null
    readonly index: number | null
    readonly reach: number
    readonly flaggedSeeds: number
  }[]
  readonly findings: readonly {
    readonly signal: string
    readonly where: string
    readonly text: string
  }[]
}

export interface PoisoningView {
  readonly cells: readonly PoisonCellView[]
  readonly comparisons: readonly PoisonComparisonView[]
}

/** Everything a reporter may show; built once per report by `reports/model.ts`. Plain data. */
export interface RunReport {
  readonly title: string
  readonly runId: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly status: 'complete' | 'incomplete' | 'interrupted'
  readonly suite: string
  /** The threat shown first; when absent, the middle epsilon of the first norm. */
  readonly mainThreat?:
    | { readonly norm: Norm; readonly epsilon: number; readonly constraints?: string | undefined }
    | undefined
  readonly dataset: {
    readonly name: string
    readonly digest: string
    readonly samples: number
    readonly classes: number
  }
  readonly versions: readonly VersionView[]
  readonly cells: readonly CellView[]
  readonly comparisons: readonly ComparisonView[]
  /** Absent when the run has no self-audit. */
  readonly trust?: readonly TrustView[] | undefined
  /** Absent when the run has no gate. */
  readonly gate?: GateResult | undefined
  readonly pictures: readonly PictureView[]
  /** Absent when the run poisons nothing. */
  readonly poisoning?: PoisoningView | undefined
  /** Absent when no file was examined for backdoors. */
  readonly audits?: readonly AuditView[] | undefined
  /** Tasks that failed or were quarantined: one line each. */
  readonly problems: readonly string[]
  /** What the run used: versions, digests, seeds, devices, parameters. JSON-safe. */
  readonly manifest: Readonly<Record<string, unknown>>
}

/** Writes a report in one format. Pure: the caller writes the file. */
export interface Reporter {
  /** `html`, `csv`, … */
  readonly id: string
  readonly fileName: string
  readonly describe: string
  render(report: RunReport): Promise<string>
  /** Further files, where the report has what they show. */
  more?(report: RunReport): Promise<readonly { readonly fileName: string; readonly text: string }[]>
}
