import {
  formatCount,
  formatP,
  formatPercent,
  formatPoints,
  formatPointsInterval,
  formatPointsPlain,
  formatRoughCount,
  formatSharePlain,
} from '../../stats/format.js'
import { samplesForMargin } from '../../stats/sample-size.js'
import type { PairedDifference } from '../../stats/types.js'
import type { CorrectedTest } from '../rule.js'
import type { Verdict } from '../results.js'

interface Explained {
  /** `robust accuracy under worst case, L∞ 8/255` */
  readonly subject: string
  readonly difference: PairedDifference
  readonly worse: CorrectedTest
  readonly verdict: Verdict
  /** One-sided lower limit of the difference, which decides. */
  readonly lowest: number
  readonly margin: number
  readonly confidence: number
  readonly isSameModel: boolean
}

/** The line of a comparison: both values, difference with interval, counts, p-value, margin, and what follows. */
export function explainDifference(about: Explained): string {
  const { subject, difference, worse, margin } = about
  const { counts, trials } = difference
  const before = formatPercent((counts.bothRight + counts.newlyBroken) / trials)
  const after = formatPercent((counts.bothRight + counts.newlyFixed) / trials)
  const corrected = worse.tests > 1 ? ` (Holm over ${worse.tests} tests)` : ''
  const parts = [
    `${subject}: ${before} → ${after} (${formatPoints(difference.estimate, -margin)}, ${formatPointsInterval(difference, -margin)})`,
    `${formatCount(counts.newlyBroken)} newly broken, ${formatCount(counts.newlyFixed)} newly fixed, ${formatP(worse.p)}${corrected}`,
    `allowed drop ${formatPointsPlain(margin)}${consequence(about)}`,
    about.isSameModel && 'both versions are the same model file',
  ]
  return parts.filter(Boolean).join('; ')
}

function consequence(about: Explained): string {
  const { verdict, lowest, margin, confidence } = about
  const sure = `with ${formatSharePlain(confidence)} confidence`
  switch (verdict) {
    case 'fail':
      return ''
    case 'pass':
      return lowest >= 0 ? `, none ${sure}` : `, at most ${drop(lowest, margin)} ${sure}`
    case 'inconclusive':
      return `; undecided, because ${doubt(about, sure)}; ${advice(about)}`
  }
}

function doubt({ difference, lowest, margin }: Explained, sure: string): string {
  return difference.estimate < -margin
    ? 'the drop may be chance'
    : `the drop may be up to ${drop(lowest, margin)} ${sure}`
}

function drop(lowest: number, margin: number): string {
  return formatPoints(-lowest, margin).replace(/^\+/, '')
}

function advice({ difference, margin, confidence, worse }: Explained): string {
  const needed = samplesForMargin(difference.counts, margin, confidence, worse.tests)
  return needed === null
    ? 'at these rates no number of samples would decide'
    : `about ${formatRoughCount(needed)} samples would decide if the rates stay, now ${formatCount(difference.trials)}`
}
