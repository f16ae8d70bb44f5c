import type { z } from 'zod'
import type { Rng } from '../util/rng.js'

/** Labelled samples as poisons and detectors see them; not to be written. */
export interface LabelledSamples {
  readonly count: number
  /** Shape of a sample without the batch axis: [C, H, W] for images, [F] for tables. */
  readonly shape: readonly number[]
  readonly range: readonly [number, number]
  readonly classes: number
  /** (count, ...shape) in the data set's units, C order. */
  readonly x: Float32Array
  readonly labels: Int32Array
}

/** A share always names what it is a share of: 1 % of the data set is 10 % of one of ten classes. */
export interface PoisonRate {
  /** Above 0, at most 1. */
  readonly value: number
  readonly of: 'dataset' | 'targetClass' | 'sourceClass'
}

/**
 * What a poison is after, and so how its success is counted:
 * - `backdoor`: test samples of the source class (or, without one, of every class but the target's) with the trigger on
 *   them are classified as the target class;
 * - `misclassification`: the same samples without a trigger are;
 * - `targeted`: single test samples, named in advance, are classified as the target class;
 * - `availability`: test samples are classified wrongly.
 */
export type PoisonGoal = 'backdoor' | 'misclassification' | 'targeted' | 'availability'

export interface Alignment {
  readonly loss: number
  readonly cosine: number
  readonly gradient: Float32Array
}

/** A classifier that the attacker trained on the clean data; never the one that is measured. */
export interface Surrogate {
  readonly featureWidth: number
  /** @param x - (N, ...shape) @returns (N, classes) logits */
  scores(x: Float32Array): Promise<Float32Array>
  /** Input of the last linear layer. @returns (N, featureWidth) */
  features(x: Float32Array): Promise<Float32Array>
  /** Gradient of each sample's cross-entropy by its values. @returns (N, ...shape) */
  lossGradient(x: Float32Array, labels: ArrayLike<number>): Promise<Float32Array>
  /** ∂⟨direction, features(x)⟩/∂x. @param direction - (N, featureWidth) @returns (N, ...shape) */
  featureGradient(x: Float32Array, direction: Float32Array): Promise<Float32Array>
  /**
   * How well the mean parameter gradient of poisons points where the attacker wants it (Geiping et al. 2021,
   * arXiv:2009.02276, eq. 3): 1 − cos(∇θ ℓ(wanted), ∇θ ℓ(poisons)), over the parameters that training changes; less
   * `strength` · log ‖∇θ ℓ(poisons)‖.
   * @param strength - 0 or more; default 0: the length of the gradient does not count
   * @returns the value, its cosine, and its gradient by the poisons (N, ...shape)
   */
  alignment(
    poisons: { readonly x: Float32Array; readonly labels: ArrayLike<number> },
    wanted: { readonly x: Float32Array; readonly labels: ArrayLike<number> },
    strength?: number,
  ): Promise<Alignment>
}

/** What a poison sees. The host checks what it returns: budget, eligible samples, range, labels, perturbation. */
export interface PoisonContext {
  readonly train: LabelledSamples
  /** For the choice of victims; their labels are known to the attacker, the training never sees them. */
  readonly test: LabelledSamples
  /** Class whose samples shall be taken for another; null: every class but the target's. */
  readonly source: number | null
  readonly target: number
  /** How many training samples may be changed. */
  readonly budget: number
  /** Indices of the training samples that may be changed, ascending; at least `budget`. */
  readonly eligible: Int32Array
  readonly rng: Rng
  /** Trained at the first call. @throws Error if the plugin does not declare the need */
  surrogate(): Promise<Surrogate>
  /**
   * The surrogate after a part of its fine-tuning on the data as poisoned so far; from another seed at each call. Null
   * where the training does not start from a file, or is the user's command: there its early weights cannot be known.
   * @param share - of the training's epochs, above 0, at most 1
   */
  readonly retrained:
    ((samples: readonly PoisonedSample[], share: number) => Promise<Surrogate>) | null
  /** To be asked between long steps; throws GNT_INTERRUPTED. */
  checkpoint(): void
  /** Something the reader of the results should know, once. */
  note(text: string): void
}

/** A training sample as the attacker leaves it; what is absent stays. */
export interface PoisonedSample {
  readonly index: number
  /** (...shape), in the data set's units. */
  readonly x?: Float32Array | undefined
  readonly label?: number | undefined
}

export interface Poisoned {
  readonly samples: readonly PoisonedSample[]
  /** Backdoors: the trigger on a sample of the test data. @param index - of the sample; for triggers that differ by sample */
  readonly trigger?: ((x: Float32Array, index: number) => Float32Array) | undefined
  /** Targeted poisons: indices of test samples that shall be classified as the target class. */
  readonly victims?: readonly number[] | undefined
}

/** A poison. One file under `attacks/poisoning/` and one line in its `index.ts`. */
export interface PoisonPlugin<P extends z.ZodType = z.ZodType> {
  readonly id: string
  /** Raised when the same parameters would give other poisons: results are cached by it. */
  readonly version: number
  readonly title: string
  /** Paper the defaults come from. */
  readonly source: string
  /** MITRE ATLAS technique. */
  readonly atlas?: string
  readonly goal: PoisonGoal
  /** Whether labels stay as they are: a person who looks through the data sees nothing. */
  readonly labels: 'clean' | 'changed'
  /** Classes whose training samples it changes. */
  readonly from: 'any' | 'source' | 'target' | 'notTarget'
  /** Whether it is trained against a surrogate. */
  readonly needs: readonly 'surrogate'[]
  /** Whether samples must be images (C, H, W): tables are refused. Default: it takes both. */
  readonly images?: boolean | undefined
  readonly params: P
  /** Short name with what matters: `BadNets 3×3`. */
  label(params: z.output<P>): string
  /**
   * Greatest change of a value that its samples may carry in L∞, as a share of the range; null: any.
   * @param shape - of a sample
   */
  epsilon?(params: z.output<P>, shape: readonly number[]): number | null
  poison(context: PoisonContext, params: z.output<P>): Promise<Poisoned>
}

/** Types a poison's parameters from its schema. */
export function definePoison<P extends z.ZodType>(plugin: PoisonPlugin<P>): PoisonPlugin<P> {
  return plugin
}
