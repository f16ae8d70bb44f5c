import { formatCount, formatCounted, formatPercent } from '../../stats/format.js'
import { holm } from '../../stats/multiple.js'
import { mcNemarWorse } from '../../stats/mcnemar.js'
import type { Finding } from '../types.js'
import { compare, isSurelyAbove, type Comparison } from './compare.js'
import { formatThreat, groupBy, groupByThreat, type Trial } from './trial.js'

/** Two neighbours on a curve: what a smaller and a larger epsilon break. */
interface Step {
  readonly smaller: readonly Trial[]
  readonly larger: readonly Trial[]
  readonly result: Comparison
  /** That the larger one breaks no fewer; after Holm over the curve. */
  readonly p: number
}

/**
 * E6: robust accuracy rises with epsilon. What a smaller ball holds, the larger one does too: a sample that a smaller epsilon
 * broke and the larger did not is wrongly counted as standing there.
 *
 * - The worst case over all attacks: an error where that is surely more samples than the tolerance, a warning where accuracy
 *   rises more than chance explains.
 * - One attack's own curve: a warning. Single steps are left out, for they overshoot with honest models too, and so are control
 *   and transfer, which promise nothing.
 */
export function findBrokenCurves(
  trials: readonly Trial[],
  version: string,
  tolerance: number,
): Finding[] {
  const worst = groupBy(trials, ({ threat: { norm, goal } }) => [norm, goal])
    .flatMap((group) => stepsOf(groupByThreat(group)))
    .map((step) => ({
      step,
      isGap: isSurelyAbove(tolerance, step.result.firstOnly, step.result.samples),
    }))
    .filter(({ step, isGap }) => isGap || step.p < significance)
  const said = new Set(worst.map(({ step }) => nameOf(step.larger)))
  const searches = trials.filter(
    ({ role, isIterative }) => role === 'gradient-free' || (role === 'gradient' && isIterative),
  )
  const single = groupBy(searches, ({ attack, threat: { norm, goal } }) => [attack, norm, goal])
    .flatMap((group) => stepsOf(groupByThreat(group)))
    .filter(({ p, larger }) => p < significance && !said.has(nameOf(larger)))
  return [
    ...worst.map(({ step, isGap }) =>
      finding(step, version, 'worst case', isGap ? 'error' : 'warning'),
    ),
    ...single.map((step) => finding(step, version, step.larger[0]!.attack.label, 'warning')),
  ]
}

const nameOf = (group: readonly Trial[]): string => formatThreat(group[0]!.threat)

const significance = 0.05

/** @param groups - of one norm and goal, one for each epsilon */
function stepsOf(groups: readonly Trial[][]): Step[] {
  const ascending = groups.toSorted((a, b) => a[0]!.threat.epsilon - b[0]!.threat.epsilon)
  const steps = ascending.slice(1).map((larger, i) => {
    const smaller = ascending[i]!
    return { smaller, larger, result: compare(smaller, larger) }
  })
  const adjusted = holm(
    steps.map(({ result: { firstOnly, secondOnly } }) =>
      mcNemarWorse({ newlyBroken: firstOnly, newlyFixed: secondOnly }),
    ),
  )
  return steps.map((step, i) => ({ ...step, p: adjusted[i]! }))
}

function finding(
  { smaller, larger, result }: Step,
  version: string,
  what: string,
  severity: Finding['severity'],
): Finding {
  const { samples, firstOnly, firstStanding, secondStanding } = result
  const [before, after] = [smaller, larger].map(nameOf)
  const [low, high] = [firstStanding, secondStanding].map((each) => formatPercent(each / samples))
  return {
    signal: 'E6',
    severity,
    version,
    where: `${what}, ${after}`,
    text: `robust accuracy ${low} at ${before}, ${high} at ${after}; ${formatCount(firstOnly)} of ${formatCounted(samples, 'sample')} that the smaller epsilon broke stand`,
  }
}
