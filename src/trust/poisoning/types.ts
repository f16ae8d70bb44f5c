import type { TrialSet } from '../../plan/trial-arms.js'
import type { Finding } from '../types.js'

export interface PoisonFinding extends Finding {
  /** Id of the cell of trials. */
  readonly cell: string
  /** Where it concerns the numbers after this filter alone. */
  readonly filter?: string | undefined
}

/** A signal as a check raises it; who it is about is known already. */
export type Raised = Pick<PoisonFinding, 'signal' | 'severity' | 'text' | 'filter'>

/** Samples of each class, where the data are at hand. */
export interface ClassCounts {
  readonly training?: readonly number[] | undefined
  readonly test?: readonly number[] | undefined
}

/** Cells of one run, all of its versions. */
export interface PoisonInput {
  readonly sets: readonly TrialSet[]
  /** Cells of the run that a baseline stands in, where that is another one: they show what the poisons can do. */
  readonly references?: readonly TrialSet[] | undefined
  readonly classes?: ClassCounts | undefined
}

/** One way in which trials contradict themselves or say little. */
export type PoisonCheck = (set: TrialSet, input: PoisonInput) => Raised | readonly Raised[]
