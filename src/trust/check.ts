import type { Bench } from './bench.js'
import type { Severity } from './types.js'

/** What a check found. */
export interface Raised {
  readonly severity: Severity
  /** What exactly was tried; empty for the whole version. */
  readonly where?: string
  /** What was measured, in one line with its numbers. */
  readonly text: string
}

/**
 * - `gradient`: the network can be differentiated.
 * - `determinism`: two passes give the same scores, or what is measured would be the noise.
 * - `ball`: there is a threat model that gradient steps know, with an epsilon above 0.
 * - `right`: the network is right about some samples.
 */
export type Need = 'gradient' | 'determinism' | 'ball' | 'right'

/** One signal that needs to run the model. One file, and one line in `examine.ts`. */
export interface Check {
  /** Its id: `P1`. */
  readonly signal: string
  /** Without these there is nothing to measure, and the check is passed over. */
  readonly needs: readonly Need[]
  /** @returns null when all is well */
  run(bench: Bench): Promise<Raised | readonly Raised[] | null>
}
