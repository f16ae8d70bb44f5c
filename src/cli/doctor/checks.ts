import { GauntletError } from '../../errors.js'
import { type Check, type Finding, fail, type Patient } from './check.js'
import * as machine from './machine.js'
import * as project from './project.js'

/** All checks, in the order of the table. A new one is one row here. */
const checks: readonly Check[] = [
  machine.nodeVersion,
  machine.runtime,
  machine.providers,
  machine.cores,
  machine.memory,
  machine.disk,
  project.store,
  project.configuration,
  project.suites,
  project.data,
  project.models,
]

export interface Row extends Finding {
  readonly label: string
}

/** Runs every check, whatever the others find. */
export async function examineAll(patient: Patient): Promise<Row[]> {
  const rows: Row[] = []
  for (const { label, check } of checks) rows.push({ label, ...(await orFailure(check, patient)) })
  return rows
}

async function orFailure(check: Check['check'], patient: Patient): Promise<Finding> {
  try {
    return await check(patient)
  } catch (error) {
    return fail(error instanceof GauntletError ? error.message : firstLine(error))
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
