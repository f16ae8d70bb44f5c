import type { Outcome } from '../../plan/task.js'
import { formatCount, formatCounted } from '../../stats/format.js'
import type { ThreatModel } from '../../threat/threat-model.js'
import type { Finding } from '../types.js'
import { formatThreat, groupBy, isRight, type Trial } from './trial.js'

/** What the host rules out, and a stored outcome says all the same. */
interface Contradiction {
  readonly signal: string
  readonly text: string
  holds(outcome: Outcome, trial: Trial): boolean
}

const contradictions: readonly Contradiction[] = [
  {
    signal: 'E9',
    text: 'counted as standing though an example within epsilon reaches the goal',
    holds: (outcome, { threat }) =>
      isRight(outcome) &&
      !outcome.success &&
      outcome.distance <= threat.epsilon &&
      reachesGoal(outcome, threat) === true,
  },
  {
    signal: 'E10',
    text: 'counted as broken though the prediction does not reach the goal',
    holds: (outcome, { threat }) => outcome.success && reachesGoal(outcome, threat) === false,
  },
  {
    signal: 'E11',
    text: 'with an example beyond epsilon',
    holds: ({ success, distance }, { kind, threat }) =>
      (success || kind !== 'minimum-norm') && !(distance <= threat.epsilon * (1 + 1e-6)),
  },
  {
    signal: 'E21',
    text: 'counted as broken though the clean prediction was wrong before any attack',
    holds: (outcome) => outcome.success && !isRight(outcome),
  },
]

/** Undefined where the target of a sample is not stored. */
function reachesGoal(outcome: Outcome, { goal }: ThreatModel): boolean | undefined {
  const hasLeft = outcome.adversarialPrediction !== outcome.label
  if (goal.kind === 'untargeted' || !hasLeft) return hasLeft
  return typeof goal.target === 'number' ? outcome.adversarialPrediction === goal.target : undefined
}

/**
 * E9, E10, E11, E21: the host lets none of these happen, so a store that says so was damaged or written by something else.
 * E22: attacks without samples in common have no worst case. E26: attacks that disagree on what none of them changes.
 */
export function findContradictions(trials: readonly Trial[], version: string): Finding[] {
  return [
    ...trials.flatMap((trial) => withinTrial(trial, version)),
    ...differentSamples(trials, version),
    ...disagreements(trials, version),
  ]
}

function withinTrial(trial: Trial, version: string): Finding[] {
  return contradictions.flatMap(({ signal, text, holds }) => {
    const found = trial.outcomes.filter((outcome) => holds(outcome, trial))
    const [first] = found
    if (!first) return []
    const { sample, distance } = first
    return [
      {
        signal,
        severity: 'error',
        version,
        where: trial.where,
        text: `${formatCounted(found.length, 'sample')} ${text}; the first is ${sample}, ${at(distance)}`,
      },
    ]
  })
}

function at(distance: number): string {
  return Number.isNaN(distance)
    ? 'whose distance is not a number'
    : `at distance ${Number(distance.toPrecision(6))}`
}

/** As the report pools them: by norm and epsilon, whatever the goal. What is incomplete is said to be so elsewhere. */
function differentSamples(trials: readonly Trial[], version: string): Finding[] {
  const complete = trials.filter((trial) => trial.complete)
  const groups = groupBy(complete, ({ threat }) => [threat.norm, threat.epsilon.toPrecision(10)])
  return groups.flatMap((group): Finding[] => {
    const all = new Set(group.flatMap(({ bySample }) => [...bySample.keys()]))
    const least = group.toSorted((a, b) => a.bySample.size - b.bySample.size)[0]!
    if (least.bySample.size === all.size) return []
    return [
      {
        signal: 'E22',
        severity: 'error',
        version,
        where: formatThreat({ ...least.threat, goal: { kind: 'untargeted' } }),
        text: `${least.attack.label} ran on ${formatCount(least.bySample.size)} of the ${formatCounted(all.size, 'sample')} that the attacks ran on`,
      },
    ]
  })
}

function disagreements(trials: readonly Trial[], version: string): Finding[] {
  const first = new Map<number, Outcome>()
  const differing = new Set<number>()
  for (const { outcomes } of trials)
    for (const outcome of outcomes) {
      const before = first.get(outcome.sample)
      if (!before) first.set(outcome.sample, outcome)
      else if (before.label !== outcome.label || before.cleanPrediction !== outcome.cleanPrediction)
        differing.add(outcome.sample)
    }
  if (differing.size === 0) return []
  return [
    {
      signal: 'E26',
      severity: 'error',
      version,
      where: '',
      text: `attacks disagree on the clean prediction or label of ${formatCount(differing.size)} of ${formatCounted(first.size, 'sample')}; the first is ${Math.min(...differing)}`,
    },
  ]
}
