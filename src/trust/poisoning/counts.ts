import type { Arm, TrialResult } from '../../plan/trial.js'
import { formatCount, formatCounted, formatRate } from '../../stats/format.js'
import type { PoisonCheck } from './types.js'

/** B2. Results of third parties and of other programs count as they like. */
export const targetCounted: PoisonCheck = ({ record: { goal }, results }, { classes }) => {
  // Availability: whatever is wrong is a success, of any class.
  if (goal === 'availability') return []
  const wrong = results.flatMap((result) =>
    result.arms.flatMap((arm) => overcount(result, arm, goal, classes?.test) ?? []),
  )
  const [first, ...others] = wrong
  if (first === undefined) return []
  const more = others.length > 0 ? `; ${formatCounted(others.length, 'more arm')} like it` : ''
  return { signal: 'B2', severity: 'error', text: `${first}${more}` }
}

function overcount(
  { source, target }: TrialResult,
  { arm, cleanAccuracy, attackSuccess, attackedAccuracy }: Arm,
  goal: string,
  testClasses: readonly number[] | undefined,
): string | undefined {
  const { successes, trials } = attackSuccess
  const kept = attackedAccuracy.successes
  if (successes > trials)
    return `${arm} arm: ${formatCount(successes)} successes of ${formatCounted(trials, 'attacked sample')}`
  // Nothing can be of the target class and keep a label that is another.
  if (successes + kept > trials)
    return `${arm} arm: of ${formatCounted(trials, 'attacked sample')} ${formatCount(successes)} are taken for class ${target} and ${formatCount(kept)} for their own: the target's own are among them`
  if (goal === 'targeted') return undefined
  const own = source ?? undefined
  const most = testClasses && mostAttacked(testClasses, own, target)
  if (most !== undefined && trials > most)
    return `${arm} arm: ${formatCounted(trials, 'attacked sample')}, and the test data have ${formatCount(most)} of ${own === undefined ? `classes other than ${target}` : `class ${own}`}`
  // Without the classes of the test data: all of it cannot be attacked, unless it lacks the target class.
  if (!testClasses && trials >= cleanAccuracy.trials && trials > 0)
    return `${arm} arm: all ${formatCounted(trials, 'test sample')} were attacked, those of class ${target} too`
  return undefined
}

function mostAttacked(
  counts: readonly number[],
  source: number | undefined,
  target: number,
): number {
  if (source !== undefined) return counts[source] ?? 0
  return counts.reduce((sum, count, label) => sum + (label === target ? 0 : count), 0)
}

/** B8. The rate that is stated must be the one that was used. */
export const rateExceeded: PoisonCheck = ({ record: { rate }, results }, { classes }) => {
  const counts = classes?.training
  if (!counts) return []
  for (const { poisons, source, target } of results) {
    const label =
      rate.of === 'targetClass' ? target : rate.of === 'sourceClass' ? source : undefined
    // A source class that is not named is every class but the target's.
    const whole =
      label === undefined
        ? counts.reduce((sum, count) => sum + count, 0)
        : label === null
          ? mostAttacked(counts, undefined, target)
          : (counts[label] ?? 0)
    if (poisons > Math.ceil(rate.value * whole))
      return {
        signal: 'B8',
        severity: 'error',
        text: `${formatCounted(poisons, 'training sample')} poisoned, and ${formatRate(rate)} is ${formatCount(Math.ceil(rate.value * whole))} of ${formatCount(whole)}`,
      }
  }
  return []
}
