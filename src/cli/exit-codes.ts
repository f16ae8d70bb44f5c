import type { RunStatus } from '../store/types.js'

/** What the process ends with. Errors carry their own code: see src/errors.ts. */
export const exitCodes = {
  /** Work done, gate passed. */
  ok: 0,
  /** A bug: stack and report hint. */
  internal: 1,
  /** Usage, configuration or input error. */
  usage: 2,
  /** Tasks failed or were quarantined, or a worker was lost. */
  incomplete: 3,
  /** The gate, or a check of `gauntlet plugins test`. */
  gateFailed: 10,
  gateInconclusive: 11,
  /** The same command again resumes. */
  interrupted: 130,
} as const

/** What a run ends with before any gate is asked. */
export function exitForStatus(status: RunStatus): number {
  if (status === 'complete') return exitCodes.ok
  return status === 'interrupted' ? exitCodes.interrupted : exitCodes.incomplete
}
