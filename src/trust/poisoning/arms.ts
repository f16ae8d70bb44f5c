import { armOf, cleanLossOf, filtersOf, sharesOf, shareOf } from '../../plan/trial-arms.js'
import { formatCount, formatCounted, formatPercent, formatPoints } from '../../stats/format.js'
import { meanDifference, meanOf } from '../../stats/trials.js'
import type { PoisonCheck } from './types.js'

/** Clean accuracy that may be lost, and attack success that may be lost on the way of an image. */
const tolerated = { cleanLoss: 0.02, path: 0.05 }

const fewTrials = 10

/** B3 */
export const cleanLost: PoisonCheck = ({ record: { goal }, results }) => {
  if (goal === 'availability') return []
  const losses = results.flatMap((result) => cleanLossOf(result) ?? [])
  const { estimate, low } = meanDifference(losses)
  if (!(estimate > tolerated.cleanLoss) || (losses.length > 1 && !(low > 0))) return []
  const [clean, poisoned] = (['clean', 'poisoned'] as const).map((arm) =>
    formatPercent(meanOf(sharesOf(results, (result) => armOf(result, arm)?.cleanAccuracy))),
  )
  return {
    signal: 'B3',
    severity: 'warning',
    text: `clean accuracy ${clean} → ${poisoned} (${formatPoints(-estimate, -tolerated.cleanLoss)} over ${formatCounted(losses.length, 'trial')})`,
  }
}

/** B4 */
export const controlsMissing: PoisonCheck = ({ results }) => {
  const withoutClean = results.filter((result) => !armOf(result, 'clean')).length
  const filters = filtersOf(results)
  const detectors = filters.filter((filter) => filter !== 'random' && filter !== 'oracle')
  const lacking = ['random', 'oracle'].filter((control) =>
    results.some(
      (result) =>
        detectors.some((filter) => armOf(result, 'filtered', filter)) &&
        !armOf(result, 'filtered', control),
    ),
  )
  const total = formatCounted(results.length, 'trial')
  return [
    ...(withoutClean > 0
      ? [
          {
            signal: 'B4',
            severity: 'error',
            text: `${formatCount(withoutClean)} of ${total} without a clean arm`,
          } as const,
        ]
      : []),
    ...(lacking.length > 0
      ? detectors.map(
          (filter) =>
            ({
              signal: 'B4',
              severity: 'error',
              filter,
              text: `filtered by ${filter}, and not by ${lacking.join(' and ')}`,
            }) as const,
        )
      : []),
  ]
}

/** B4. A network that says one class whatever it sees is no control: it resists everything, or falls to anything. */
export const controlLearnsNothing: PoisonCheck = ({ results }, { classes }) => {
  const accuracies = sharesOf(results, (result) => armOf(result, 'clean')?.cleanAccuracy)
  const test = classes?.test
  if (!test || accuracies.length === 0) return []
  const most = Math.max(...test) / test.reduce((sum, count) => sum + count, 0)
  const accuracy = meanOf(accuracies)
  if (accuracy > 1.2 * most) return []
  return {
    signal: 'B4',
    severity: 'error',
    text: `the training learns next to nothing from clean data (accuracy ${formatPercent(accuracy)}, ${formatPercent(most)} by guessing one class): give it more epochs or another learning rate`,
  }
}

/** B7. What did not run yet is another matter. */
export const trialsFew: PoisonCheck = ({ record: { keys } }) =>
  keys.length < fewTrials
    ? { signal: 'B7', severity: 'warning', text: `${formatCounted(keys.length, 'trial')}` }
    : []

/** B9 */
export const triggerLost: PoisonCheck = ({ results }) => {
  const paths = [...new Set(results.flatMap(({ paths: own }) => Object.keys(own)))]
  return paths.flatMap((path) => {
    const pairs = results.flatMap((result) => {
      const [straight, own] = [armOf(result, 'poisoned')?.attackSuccess, result.paths[path]]
      return straight && own && straight.trials > 0 && own.trials > 0
        ? [[shareOf(straight), shareOf(own)] as const]
        : []
    })
    const [before, after] = [0, 1].map((side) => meanOf(pairs.map((pair) => pair[side]!))) as [
      number,
      number,
    ]
    if (!(before - after > tolerated.path)) return []
    return [
      {
        signal: 'B9',
        severity: 'note',
        text: `attack success ${formatPercent(before)} → ${formatPercent(after)} on the path ${path}`,
      } as const,
    ]
  })
}

/** B12 */
export const neverFed: PoisonCheck = ({ results }) => {
  const short = results.filter(({ fed, poisons }) => fed !== null && fed < poisons)
  const [first] = short
  if (first)
    return {
      signal: 'B12',
      severity: 'error',
      text: `the training was fed ${formatCount(first.fed!)} of ${formatCounted(first.poisons, 'poisoned sample')}, in ${short.length} of ${formatCounted(results.length, 'trial')}`,
    }
  return results.some(({ fed }) => fed === null)
    ? {
        signal: 'B12',
        severity: 'note',
        text: 'the trainer cannot tell whether the poisoned samples reached it',
      }
    : []
}
