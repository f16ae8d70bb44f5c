import { successShare } from '../../plan/trial-arms.js'
import type { Arm, Count, TrialCell, TrialResult } from '../../plan/trial.js'
import { clopperPearson } from '../../stats/proportion.js'
import { meanAccuracy, meanShare } from '../../stats/trials.js'
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
        truePositives: mean(own.map((one) => one.truePositives / one.poisons)),
        falsePositives: mean(
          own.map((one) => (one.flagged - one.truePositives) / (one.samples - one.poisons)),
        ),
        flaggedInControl: mean(own.map((one) => one.flaggedInControl / one.samples)),
        notApplicable: own.find((one) => one.notApplicable !== null)?.notApplicable ?? null,
      }
    }),
    paths: Object.fromEntries(
      paths.map((name) => [name, mean(shares(results.map((one) => one.paths[name])))]),
    ),
    notes: [...new Set(results.flatMap(({ notes }) => notes))],
  }
}

const nameOf = ({ arm, filter }: Arm): string => filter ?? arm

function summarizeArm(name: string, results: readonly TrialResult[], samples: number): ArmSummary {
  const own = results.flatMap(({ arms, poisons }) => {
    const arm = arms.find((one) => nameOf(one) === name)
    return arm ? [{ ...arm, poisons }] : []
  })
  const success = shares(own.map(({ attackSuccess }) => attackSuccess))
  const hits = success.filter((share) => share >= successShare).length
  return {
    arm: name,
    trials: own.length,
    removed: mean(own.map(({ removed }) => removed / samples)),
    removedPoisons: mean(own.map(({ removedPoisons, poisons }) => removedPoisons / poisons)),
    cleanAccuracy: meanAccuracy(shares(own.map(({ cleanAccuracy }) => cleanAccuracy))),
    attackSuccess: meanShare(success),
    attackedAccuracy: meanShare(shares(own.map(({ attackedAccuracy }) => attackedAccuracy))),
    successfulTrials: clopperPearson(hits, success.length),
  }
}

function shares(counts: readonly (Count | undefined)[]): number[] {
  return counts.flatMap((count) =>
    count && count.trials > 0 ? [count.successes / count.trials] : [],
  )
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0) / values.length
