import type {
  DetectorView,
  PoisonCellView,
  PoisonComparisonView,
  PoisoningView,
} from '../src/reporter.js'
import {
  formatCounted,
  formatPercent,
  formatPoints,
  formatRate,
  formatSharePlain,
} from '../src/stats/format.js'
import type { Mean } from '../src/stats/types.js'
import { pointsRange, shareRange } from './text.js'

/** Words about poisons that every format says in the same way. */

/** `BadNets 3×3, 5 % of the data set` */
export function poisonName({ label, rate }: Pick<PoisonCellView, 'label' | 'rate'>): string {
  return `${label}, ${formatRate(rate)}`
}

/** `attack success, BadNets 3×3`, `… after spectral` */
export function comparedName({ label, filter }: PoisonComparisonView): string {
  return filter === undefined ? label : `${label} after ${filter}`
}

/** `61.3 % (58.2 to 64.3)` */
export function meanText(mean: Mean | undefined): string {
  if (!mean || mean.trials === 0) return 'no data'
  return `${formatPercent(mean.estimate)} (${shareRange(mean)})`
}

export function estimateText(mean: Mean | undefined): string {
  return !mean || mean.trials === 0 ? 'no data' : formatPercent(mean.estimate)
}

/** Signed as a change of accuracy: `−0.4 pp (−0.9 to +0.1)`. */
export function lossText({ estimate, low, high, trials, confidence }: Mean): string {
  if (trials === 0) return 'no data'
  return `${formatPoints(-estimate)} (${pointsRange({ low: -high, high: -low, confidence })})`
}

/** `10 trials`, `7 of 10 trials` */
export function trialsText({ planned, done, complete }: PoisonCellView): string {
  return complete ? formatCounted(done, 'trial') : `${done} of ${formatCounted(planned, 'trial')}`
}

/** `9 of 10` */
export function successfulText({ poisoned }: PoisonCellView): string {
  if (!poisoned || poisoned.successfulTrials.trials === 0) return 'no data'
  const { successes, trials } = poisoned.successfulTrials
  return `${successes} of ${trials}`
}

/** `4.9 %, stated 5 %` */
export function alarmsText({ falsePositiveRate, stated }: DetectorView): string {
  return `${formatPercent(falsePositiveRate, stated)}, stated ${formatSharePlain(stated)}`
}

/** What the interval of the change supports; a rise of the attack's success is for the worse. */
export function poisonDirection({
  low,
  high,
}: PoisonComparisonView['difference']): 'worse' | 'better' | 'unclear' {
  if (low > 0) return 'worse'
  return high < 0 ? 'better' : 'unclear'
}

/** Comparisons by (baseline, candidate), in the report's order. */
export function poisonPairs({ comparisons }: PoisoningView): {
  readonly baseline: string
  readonly candidate: string
  readonly rows: readonly PoisonComparisonView[]
}[] {
  const keys = [...new Set(comparisons.map((row) => JSON.stringify([row.baseline, row.candidate])))]
  return keys.map((key) => {
    const [baseline, candidate] = JSON.parse(key) as [string, string]
    const isOwn = (row: PoisonComparisonView): boolean =>
      row.baseline === baseline && row.candidate === candidate
    return { baseline, candidate, rows: comparisons.filter(isOwn) }
  })
}
