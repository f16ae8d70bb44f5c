import { z } from 'zod'
import {
  formatCount,
  formatCounted,
  formatP,
  formatPercent,
  formatPoints,
  formatPointsInterval,
  formatPointsPlain,
} from '../../stats/format.js'
import { pairedTrials, risesLessP } from '../../stats/paired-trials.js'
import { meanOf, meanShare } from '../../stats/trials.js'
import type { TrialsDifference } from '../../stats/types.js'
import {
  defaultThreshold,
  describePoison,
  describePoisonScope,
  describeTrialMetric,
  filterField,
  pairsOfPoisons,
  poisonScopeField,
  poisonsInScope,
  samePoison,
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
  type CorrectedTest,
} from '../rule.js'
import type { PoisonResults, Verdict, VersionResults } from '../results.js'
import { worstOf, type Finding } from '../worst.js'

const schema = z
  .strictObject({
    kind: z.literal('poison-regression'),
    ...ruleFields,
    ...poisonScopeField,
    metric: trialMetricField,
    margin: z
      .number()
      .gt(0)
      .lt(1)
      .describe('rise that is tolerated, as a share above 0: 0.1 is ten percentage points'),
    filter: filterField,
    threshold: thresholdField,
    confidence: confidenceField,
  })
  .describe(
    'a poison may not achieve more on the candidate than on the baseline by more than a margin, in the same trials',
  )

type PoisonRegressionRule = z.output<typeof schema>

interface Pairing {
  readonly subject: string
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly difference: TrialsDifference
}

/**
 * With c = confidence, per poison and rate:
 * - pass when the upper one-sided limit of the mean rise at level c lies below the margin (`pairedTrials`);
 * - fail when the mean rise exceeds the margin and the exact signed-rank test shows, at level c after Holm over the
 *   gate's tests, that the candidate is more susceptible;
 * - else inconclusive.
 */
export const poisonRegression = defineRule({
  schema,
  examine(rule, { baseline, candidate }) {
    const { scope } = rule
    const what = describeTrialMetric(rule.metric, rule.threshold ?? defaultThreshold)
    if (!baseline)
      return decided(blind(`${what}: no verdict, there is no baseline to compare with`))
    const cells = [
      ...poisonsInScope(candidate, scope),
      // A poison that only the baseline was tried with is not passed over.
      ...poisonsInScope(baseline, scope).filter(
        (cell) => !poisonsInScope(candidate, scope).some((other) => samePoison(other, cell)),
      ),
    ]
    const pairings = cells.map((cell) => pair(rule, baseline, candidate, cell))
    if (pairings.length === 0)
      return decided(
        blind(`no result matches this rule (${describePoisonScope(scope)}); check its scope`),
      )
    return {
      tests: pairings.flatMap((one) => ('verdict' in one ? [] : [one.difference.pMore])),
      decide(corrected) {
        let next = 0
        const findings = pairings.map((one) => {
          if ('verdict' in one) return one
          const more = corrected[next++]
          if (!more) throw new Error('a rule was decided without its own tests')
          return judge(rule, one, more)
        })
        const [first, ...rest] = findings
        if (!first) throw new Error('a scope with cells has no poison')
        return worstOf([first, ...rest], pairsOfPoisons)
      },
    }
  },
})

function pair(
  rule: PoisonRegressionRule,
  baseline: VersionResults,
  candidate: VersionResults,
  cell: PoisonResults,
): Pairing | Finding {
  const { metric, filter, threshold = defaultThreshold } = rule
  const subject = `${describeTrialMetric(metric, threshold)} of ${describePoison(cell, filter)}`
  const [before, after] = [baseline, candidate].map((side) =>
    (side.poisons ?? []).find((one) => samePoison(one, cell)),
  )
  if (!before || !after)
    return undecided(subject, `${(before ? candidate : baseline).version} has no trial of it`)
  if (before.digest !== after.digest)
    return undecided(
      subject,
      `its parameters or the data differ between ${baseline.version} and ${candidate.version}`,
    )
  const old = trialsOf(baseline.version, before, filter)
  if ('problem' in old) return undecided(subject, old.problem)
  const now = trialsOf(candidate.version, after, filter)
  if ('problem' in now) return undecided(subject, now.problem)
  const trials = [...now.values.keys()]
  if (old.values.size !== trials.length || trials.some((trial) => !old.values.has(trial)))
    return undecided(
      subject,
      `${baseline.version} and ${candidate.version} were not tried with the same sources, targets and seeds`,
    )
  const read = (share: number): number =>
    metric === 'attackSuccess' ? share : Number(share >= threshold)
  const [left, right] = [old, now].map(({ values }) =>
    trials.map((trial) => read(values.get(trial)!.attackSuccess)),
  ) as [number[], number[]]
  const difference = pairedTrials(left, right, rule.confidence ?? defaultConfidence)
  return { subject, before: left, after: right, difference }
}

function judge(
  { margin, confidence = defaultConfidence }: PoisonRegressionRule,
  { subject, before, after, difference }: Pairing,
  more: CorrectedTest,
): Finding {
  const significance = 1 - confidence
  const { estimate, trials } = difference
  const verdict: Verdict =
    risesLessP(difference, margin) < significance
      ? 'pass'
      : estimate > margin && more.p < significance
        ? 'fail'
        : 'inconclusive'
  const [from, to] = [before, after].map((shares) => formatPercent(meanOf(shares)))
  const family = more.tests > 1 ? ` after Holm over ${formatCount(more.tests)} tests` : ''
  const facts = `${subject}: ${from} → ${to}, ${formatPoints(estimate, margin)} (${formatPointsInterval(difference, margin)}, ${formatCounted(trials, 'trial')} on both: ${formatCount(difference.more)} more, ${formatCount(difference.fewer)} less; signed-rank ${formatP(more.p)}${family}); tolerated is a rise of ${formatPointsPlain(margin)}`
  return {
    verdict,
    reason: verdict === 'inconclusive' ? `${facts}; undecided, more trials would tell` : facts,
    mean: meanShare(after, confidence),
    change: difference,
    pAdjusted: more.p,
    slack: margin - difference.high,
  }
}
