import type { Bench, Need } from './bench.js'
import type { Severity } from './types.js'

/** What a check found. */
export interface Raised {
  readonly severity: Severity
  /** What exactly was tried; empty for the whole version. */
  readonly where?: string
  /** What was measured, in one line with its numbers. */
  readonly text: string
}

/** One signal that needs to run the model. One file, and one line in `examine.ts`. */
export interface Check {
  /** Its id: `P1`. */
  readonly signal: string
  /** Without these there is nothing to measure, and the check is passed over. */
  readonly needs: readonly Need[]
  /** @returns null when all is well */
  run(bench: Bench): Promise<Raised | readonly Raised[] | null>
}
