import { armView } from '../../../reports/poisoning.js'
import { notesOf, sharesOf } from '../../plan/trial-arms.js'
import type { Arm, TrialCell, TrialResult } from '../../plan/trial.js'
import { meanOf } from '../../stats/trials.js'
import type { Mean, Proportion } from '../../stats/types.js'

/** What the trials of one poison at one rate say of one arm. Shares are on [0, 1]. */
export interface ArmSummary {
  /** `clean`, `poisoned`, or what filtered the poisoned data. */
  readonly arm: string
  readonly trials: number
  /** Mean shares of the training samples, and of the poisoned ones, that were taken out. */
  readonly removedPoisons: number
  readonly removed: number
  /** Means over trials. */
  readonly cleanAccuracy: Mean
  readonly attackSuccess: Mean
  readonly attackedAccuracy: Mean
  /** Trials in which half of the attacked samples reach the goal. */
  readonly successfulTrials: Proportion
}

export interface CellSummary {
  readonly poison: string
  readonly label: string
  readonly rate: TrialCell['rate']
  readonly planned: number
  readonly arms: readonly ArmSummary[]
  readonly detectors: readonly {
    readonly detector: string
    /** Means over trials. */
    readonly truePositives: number
    readonly falsePositives: number
    readonly flaggedInControl: number
    readonly notApplicable: string | null
  }[]
  readonly paths: Readonly<Record<string, number>>
  readonly notes: readonly string[]
}

/** @param samples - of the training data */
export function summarize(
  { tasks, poison, rate }: Pick<TrialCell, 'tasks' | 'poison' | 'rate'>,
  results: readonly TrialResult[],
  samples: number,
): CellSummary {
  const names = [...new Set(results.flatMap(({ arms }) => arms.map(nameOf)))]
  const detectors = [...new Set(results.flatMap((one) => one.detectors.map((d) => d.detector)))]
  const paths = [...new Set(results.flatMap((one) => Object.keys(one.paths)))]
  return {
    poison: poison.poison,
    label: poison.label,
    rate,
    planned: tasks.length,
    arms: names.map((name) => summarizeArm(name, results, samples)),
    detectors: detectors.map((name) => {
      const own = results.flatMap((one) => {
        const found = one.detectors.find(({ detector }) => detector === name)
        return found ? [{ ...found, poisons: one.poisons }] : []
      })
      return {
        detector: name,
        truePositives: meanOf(own.map((one) => one.truePositives / one.poisons)),
        falsePositives: meanOf(
          own.map((one) => (one.flagged - one.truePositives) / (one.samples - one.poisons)),
        ),
        flaggedInControl: meanOf(own.map((one) => one.flaggedInControl / one.samples)),
        notApplicable: own.find((one) => one.notApplicable !== null)?.notApplicable ?? null,
      }
    }),
    paths: Object.fromEntries(
      paths.map((name) => [name, meanOf(sharesOf(results, (one) => one.paths[name]))]),
    ),
    notes: notesOf(
      tasks.map(({ key }) => key),
      results,
    ),
  }
}

const nameOf = ({ arm, filter }: Arm): string => filter ?? arm

function summarizeArm(name: string, results: readonly TrialResult[], samples: number): ArmSummary {
  const read = ({ arms }: TrialResult): Arm | undefined => arms.find((one) => nameOf(one) === name)
  const own = results.flatMap((result) => {
    const arm = read(result)
    return arm ? [{ ...arm, poisons: result.poisons }] : []
  })
  const { recoveredAccuracy: attackedAccuracy, ...view } = armView(results, read)!
  return {
    arm: name,
    trials: own.length,
    removed: meanOf(own.map(({ removed }) => removed / samples)),
    removedPoisons: meanOf(own.map(({ removedPoisons, poisons }) => removedPoisons / poisons)),
    ...view,
    attackedAccuracy,
  }
}
