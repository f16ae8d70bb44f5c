import type { z } from 'zod'
import type { Rng } from '../util/rng.js'

/** Consecutive samples of a data set under audit. */
interface AuditBatch {
  /** Index of the first. */
  readonly from: number
  /** (N, ...shape), in the data set's units. */
  readonly x: Float32Array
  readonly labels: Int32Array
}

/**
 * A data set under audit. It may be larger than memory: detectors read it batch by batch, as often as they need. What is
 * kept per sample is a few numbers.
 */
export interface AuditSource {
  readonly count: number
  readonly shape: readonly number[]
  readonly range: readonly [number, number]
  readonly classes: number
  /** Samples of each class. */
  readonly classCounts: readonly number[]
  batches(): AsyncIterable<AuditBatch>
}

/** What a detector knows of the samples besides their values. */
export interface AuditModel {
  readonly featureWidth: number
  /** Input of the last linear layer of a network trained on these data. @returns (N, featureWidth) */
  features(x: Float32Array): Promise<Float32Array>
  /** @returns (N, classes) logits */
  scores(x: Float32Array): Promise<Float32Array>
}

export interface AuditContext {
  readonly source: AuditSource
  /** Trained on the very data under audit. Null where none is at hand: then detectors that need it are left out. */
  readonly model: AuditModel | null
  /** (count, classes): probabilities for each sample by a network that was not trained on it; float32. Null as above. */
  readonly outOfSample: Float32Array | null
  /** Share of clean samples that may be flagged, above 0: thresholds are set by it. */
  readonly falsePositiveRate: number
  readonly rng: Rng
  checkpoint(): void
}

export interface Detection {
  /** One a sample, the greater the more suspect; NaN: not judged. */
  readonly scores: Float64Array
  /** Samples with a score above it are flagged. It may differ by class. */
  readonly threshold: number | readonly number[]
  /** Indices, ascending. */
  readonly suspects: Int32Array
  /** Why each suspect is one, in a few words, where it is more than its score: `twin of 812 (label 3)`. */
  readonly reasons?: ReadonlyMap<number, string> | undefined
  /** Why its verdict must not be used: `class shares differ 14-fold`. Null: it may. */
  readonly notApplicable: string | null
}

/** A detector of poisoned samples. One file under `src/audit/data/` and one line in its `index.ts`. */
export interface Detector<P extends z.ZodType = z.ZodType> {
  readonly id: string
  /** Raised when the same parameters would flag other samples. */
  readonly version: number
  readonly title: string
  /** Paper. */
  readonly source: string
  readonly needs: readonly ('model' | 'outOfSample')[]
  readonly params: P
  detect(context: AuditContext, params: z.output<P>): Promise<Detection>
}

export function defineDetector<P extends z.ZodType>(detector: Detector<P>): Detector<P> {
  return detector
}
