/** `error` invalidates the number, `warning` lowers trust, `note` is for the reader. */
export type Severity = 'error' | 'warning' | 'note'

/** A signal that was raised. */
export interface Finding {
  /** `P3`, `E2`: see `gauntlet explain`. */
  readonly signal: string
  readonly severity: Severity
  /** The version of the model. */
  readonly version: string
  /** What exactly: `PGD-40, L∞ 8/255`; empty for the whole version. */
  readonly where: string
  /** What was measured, in one line with its numbers. */
  readonly text: string
}

/** How far the numbers of a version can be trusted. `void`: not at all. */
export type Trust = 'high' | 'medium' | 'low' | 'void'
