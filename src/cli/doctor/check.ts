import type { Config } from '../../config/schema.js'

export interface Finding {
  /** `fail`: nothing will work until it is repaired; `warn`: worth knowing; `skip`: nothing to look at. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skip'
  /** One line: what was found, and if that is bad, what to do. */
  readonly detail: string
}

/** What checks look at. */
export interface Patient {
  readonly cwd: string
  /** What stands in the configuration; undefined if there is none, or none that is valid. */
  readonly config: Config | undefined
  /** Why there is none. */
  readonly configFinding: Finding
}

/** One row of `gauntlet doctor`. A check that throws has failed; its message is the detail. */
export interface Check {
  readonly label: string
  check(patient: Patient): Promise<Finding>
}

export const ok = (detail: string): Finding => ({ status: 'ok', detail })
export const warn = (detail: string): Finding => ({ status: 'warn', detail })
export const fail = (detail: string): Finding => ({ status: 'fail', detail })
export const skip = (detail: string): Finding => ({ status: 'skip', detail })
