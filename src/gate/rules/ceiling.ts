import { z } from 'zod'
import {
  formatCounted,
  formatPercent,
  formatPoints,
  formatPointsInterval,
  formatPointsPlain,
  formatRoughCount,
  formatShareInterval,
  formatSharePlain,
} from '../../stats/format.js'
import { clopperPearson } from '../../stats/proportion.js'
import { meanDifference, meanShare, trialsForCeiling } from '../../stats/trials.js'
import type { Mean } from '../../stats/types.js'
import {
  defaultThreshold,
  describePoison,
  describePoisonScope,
  describeTrialMetric,
  filterField,
  pairsOfPoisons,
  poisonScopeField,
  poisonsInScope,
  thresholdField,
  trialMetricField,
  trialsOf,
  undecided,
} from '../poisons.js'
import {
  blind,
  confidenceField,
  decided,
  defaultConfidence,
  defineRule,
  ruleFields,
  type GateData,
} from '../rule.js'
import type { PoisonResults, TrialValues, Verdict } from '../results.js'
import { worstOf, type Finding } from '../worst.js'

const schema = z
  .strictObject({
    kind: z.literal('ceiling'),
    ...ruleFields,
    ...poisonScopeField,
    metric: z
      .enum([...trialMetricField.options, 'cleanLoss'])
      .describe(
        `${trialMetricField.description}; cleanLoss: clean accuracy that the poison costs, mean over trials`,
      ),
    max: z
      .number()
      .gt(0)
      .lt(1)
      .describe('share that must not be exceeded, above 0: 0.05 is 5 %, or 5 percentage points'),
    filter: filterField,
    threshold: thresholdField,
    confidence: confidenceField,
  })
  .describe(
    'what a poison achieves must stay at or below a limit: the upper end of its confidence interval over trials decides',
  )

type CeilingRule = z.output<typeof schema>

/**
 * Pass when the interval over trials lies at or below the limit, fail when it lies above, else inconclusive. Shares have
 * an interval that holds for any distribution over trials (`meanShare`), successful trials that of Clopper and Pearson,
 * losses Student's.
 */
export const ceiling = defineRule({
  schema,
  examine(rule, data) {
    const [first, ...rest] = poisonsInScope(data.candidate, rule.scope)
    if (!first)
      return decided(
        blind(`no result matches this rule (${describePoisonScope(rule.scope)}); check its scope`),
      )
    return decided(
      worstOf(
        [judge(rule, data, first), ...rest.map((cell) => judge(rule, data, cell))],
        pairsOfPoisons,
      ),
    )
  },
})

function judge(rule: CeilingRule, { candidate }: GateData, cell: PoisonResults): Finding {
  const { metric, max, filter, threshold = defaultThreshold } = rule
  const subject = `${describeTrialMetric(metric, threshold)} of ${describePoison(cell, filter)}`
  const trials = trialsOf(candidate.version, cell, filter)
  if ('problem' in trials) return undecided(subject, trials.problem)
  const value = valueOf(rule, [...trials.values.values()])
  if (typeof value === 'string') return undecided(subject, value)
  const verdict: Verdict = value.high <= max ? 'pass' : value.low > max ? 'fail' : 'inconclusive'
  const number =
    metric === 'cleanLoss'
      ? `${formatPoints(value.estimate, max)} (${formatPointsInterval(value, max)}, ${formatCounted(value.trials, 'trial')}); allowed at most ${formatPointsPlain(max)}`
      : `${formatPercent(value.estimate, max)} (${formatShareInterval(value, max)}, ${formatCounted(value.trials, 'trial')}); allowed at most ${formatSharePlain(max)}`
  return {
    verdict,
    reason: `${subject}: ${number}${verdict === 'inconclusive' ? `; ${advice(rule, value)}` : ''}`,
    mean: value,
    slack: max - value.high,
  }
}

function valueOf(
  { metric, threshold = defaultThreshold, confidence = defaultConfidence }: CeilingRule,
  trials: readonly TrialValues[],
): Mean | string {
  const shares = trials.map(({ attackSuccess }) => attackSuccess)
  if (metric === 'attackSuccess') return meanShare(shares, confidence)
  if (metric === 'successfulTrials') {
    const successful = shares.filter((share) => share >= threshold).length
    const { estimate, low, high, trials: n } = clopperPearson(successful, shares.length, confidence)
    return { estimate, low, high, trials: n, confidence }
  }
  const losses = trials.flatMap(({ cleanLoss }) => cleanLoss ?? [])
  if (losses.length < trials.length) return 'a trial has no clean arm to compare with'
  if (losses.length < 2) return 'one trial has no interval'
  return meanDifference(losses, confidence)
}

function advice({ metric, max }: CeilingRule, value: Mean): string {
  const open = 'undecided, because the interval holds the limit'
  if (metric === 'cleanLoss') return `${open}; more trials narrow it`
  const needed = trialsForCeiling(value, max)
  return needed === null
    ? `${open}; at this value no number of trials would decide`
    : `${open}; about ${formatRoughCount(needed)} trials would decide if the value stays`
}
