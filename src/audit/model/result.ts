import type { Finding } from '../../trust/finding.js'

/** What an audit of a model found out: plain data, safe for JSON. */

/** A signal that was raised: `B10` of SIGNALS.md, or a name as `small-trigger`, `external-path`. */
export type AuditFinding = Omit<Finding, 'version'>

/** As `src/step/trigger.ts` has them. */
type TriggerForm = 'patch' | 'additive'

/** One form of trigger to one class. `null` where a number is not finite. */
export interface FormAudit {
  /** Of each seed: Σ mask in pixels, or the L2 norm in the units of the data. */
  readonly sizes: readonly (number | null)[]
  /** Medians over the seeds. */
  readonly size: number | null
  /** Size over the median size of all classes. */
  readonly ratio: number | null
  readonly index: number | null
  /** Share of samples of other classes, not searched with, that it sends to the class. */
  readonly reach: number
  /** Seeds in which it is suspicious. */
  readonly flaggedSeeds: readonly number[]
  /** In most of the seeds. */
  readonly flagged: boolean
}

export interface ClassAudit {
  readonly label: number
  readonly name?: string | undefined
  readonly forms: Readonly<Record<TriggerForm, FormAudit>>
  readonly flagged: boolean
}

/** The trigger to a class beside that of the previous version: same samples, same seeds. */
export interface SinceAudit {
  /** Size over the previous one, the median over the seeds and its extremes. */
  readonly ratio: number | null
  readonly low: number | null
  readonly high: number | null
  /** The same, over the median of all classes: what only this class has become. */
  readonly relative: number | null
  /** In every seed much smaller than it was, beside the other classes too. */
  readonly newlyReachable: boolean
}

export interface WeightChange {
  readonly name: string
  /** The node that reads it, and its operator. */
  readonly layer: string
  readonly op: string
  readonly shape: readonly number[]
  /** ‖new − old‖₂ / ‖old‖₂; null where the shapes differ, or the old one is zero. */
  readonly relative: number | null
  readonly greatest: number | null
  /** Whether it belongs to the last layer with weights. */
  readonly isHead: boolean
}

export interface ModelDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Nodes with other attributes, operators or inputs. */
  readonly changed: readonly string[]
  readonly weightsAdded: readonly string[]
  readonly weightsRemoved: readonly string[]
  /** Only those that differ, in the order in which they are read. */
  readonly weights: readonly WeightChange[]
  readonly weightsSame: number
  readonly interface: readonly string[]
}

export interface AuditedFile {
  readonly file: string
  /** SHA-256; null where the file was not loaded. */
  readonly digest: string | null
  /** On the samples; null where the model was not run. */
  readonly accuracy: number | null
}

/** What is known of a class, beside the previous version where there is one. */
export interface AuditedClass extends ClassAudit {
  readonly since?: Readonly<Record<TriggerForm, SinceAudit>> | undefined
  readonly newlyReachable: boolean
}

/** The whole result, safe for JSON: what a gate reads. */
export interface ModelAudit {
  readonly schema: 'gauntlet-model-audit/1'
  /** `scanned`: the model was not run, so that nothing is known of its classes. */
  readonly status: 'complete' | 'scanned'
  /** Why it was not run. */
  readonly reason?: string | undefined
  readonly model: AuditedFile
  readonly previous?: AuditedFile | undefined
  readonly samples: number
  readonly seeds: readonly number[]
  readonly classes: readonly AuditedClass[]
  /** Labels of the classes that a small trigger reaches. */
  readonly flagged: readonly number[]
  /** Labels of those that it did not reach in the previous version. */
  readonly newlyReachable: readonly number[]
  readonly diff?: ModelDiff | undefined
  readonly findings: readonly AuditFinding[]
  readonly seconds: number
}

/** A found trigger for the page: of each class and form, of the first seed. */
export interface TriggerPicture {
  readonly label: number
  readonly form: TriggerForm
  /** Of a sample. */
  readonly shape: readonly number[]
  readonly range: readonly [number, number]
  /** How much of each value is replaced, 0 to 1; of a patch only. */
  readonly mask?: Float32Array | undefined
  /** The pattern that replaces, or what is added. */
  readonly pattern: Float32Array
  /** A sample of another class, as it is and with the trigger. */
  readonly clean: Float32Array
  readonly stamped: Float32Array
}
