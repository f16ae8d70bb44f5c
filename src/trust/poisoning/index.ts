import { formatRate } from '../../stats/format.js'
import {
  cleanLost,
  controlLearnsNothing,
  controlsMissing,
  neverFed,
  trialsFew,
  triggerLost,
} from './arms.js'
import { rateExceeded, targetCounted } from './counts.js'
import { falseAlarms, notApplicable, removesAll } from './detectors.js'
import { notImplanted } from './implanted.js'
import type { PoisonCheck, PoisonFinding, PoisonInput } from './types.js'

/** In the order of their signals. A new one is a function and one line here. */
const checks: readonly PoisonCheck[] = [
  notImplanted,
  targetCounted,
  cleanLost,
  controlsMissing,
  controlLearnsNothing,
  falseAlarms,
  removesAll,
  trialsFew,
  rateExceeded,
  triggerLost,
  notApplicable,
  neverFed,
]

/** What the trials of a run say against themselves. Pure; in the order of cells, not of severity. */
export function poisonFindings(input: PoisonInput): PoisonFinding[] {
  return input.sets.flatMap((set) => {
    const { version, cell, poison, rate } = set.record
    const where = `${poison.label}, ${formatRate(rate)}`
    return checks
      .flatMap((check) => check(set, input))
      .map((raised) => ({ ...raised, version, where, cell }))
  })
}
