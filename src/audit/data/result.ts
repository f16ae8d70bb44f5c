/** What a data audit found: plain data. */
export interface DataAudit {
  readonly data: string
  readonly format: string
  readonly samples: number
  readonly shape: readonly number[]
  readonly classCounts: readonly number[]
  readonly classNames?: readonly string[] | undefined
  /** Read from disk in parts. */
  readonly isStreamed: boolean
  readonly falsePositiveRate: number
  readonly seed: number
  /** Where features and scores come from: a path, or `trained here`; null where no detector asked for them. */
  readonly model: string | null
  /** A path, or null: controls made from the data themselves. */
  readonly control: string | null
  readonly detectors: readonly DetectorResult[]
  /** Those of detectors whose verdict may be used, most suspect first. */
  readonly suspects: readonly Suspect[]
  readonly versions: VersionSummary | null
  /** Wall. */
  readonly seconds: number
}

/**
 * - `used`: it kept its rate on the control
 * - `unchecked`: there was no control that it could be run on
 * - `void`: it flagged more of the control than the stated rate and chance explain (signal B5)
 * - `not applicable`: the data do not fit it (signal B11), or there is no model
 */
export type DetectorStatus = 'used' | 'unchecked' | 'void' | 'not applicable'

export interface DetectorResult {
  readonly id: string
  readonly title: string
  readonly source: string
  readonly status: DetectorStatus
  /** Why, where it is not `used`. */
  readonly why: string | null
  readonly judged: number
  readonly flagged: number
  /** Of one class where it differs by class: the least. */
  readonly threshold: number | null
  readonly control: ControlResult | null
}

export interface ControlResult {
  readonly kind: ControlKind
  readonly judged: number
  readonly flagged: number
  /** Share flagged. */
  readonly rate: number
}

/**
 * - `file`: data that the user trusts
 * - `normal`: features drawn from normal classes of the data's own sizes, means and covariances
 * - `redrawn labels`: the data with labels drawn from out-of-sample probabilities
 */
export type ControlKind = 'file' | 'normal' | 'redrawn labels'

export interface Suspect {
  /** From 1: flagged by the most detectors, then highest in their lists. */
  readonly rank: number
  readonly index: number
  readonly label: number
  readonly flags: readonly Flag[]
}

export interface Flag {
  readonly detector: string
  readonly score: number
  readonly threshold: number
  readonly reason: string
}

/** Against the previous version of the data, by content. */
export interface VersionSummary {
  readonly previous: string
  readonly kept: number
  readonly moved: number
  readonly added: number
  readonly removed: number
  readonly relabelled: number
  readonly duplicates: number
}

/** A suspect as a picture, or its values. */
export interface SuspectSample {
  readonly index: number
  readonly shape: readonly number[]
  readonly range: readonly [number, number]
  readonly x: Float32Array
}
