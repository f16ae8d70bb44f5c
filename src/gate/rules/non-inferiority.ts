import { z } from 'zod'
import { pairCounts, pairedDifference } from '../../stats/paired.js'
import { wilson } from '../../stats/proportion.js'
import { tangoInterval, tangoNonInferiorityP } from '../../stats/tango.js'
import type { PairedDifference } from '../../stats/types.js'
import {
  cellKey,
  cellsInScope,
  describeMetric,
  describeScope,
  sameThreat,
  threatsOf,
  type Threat,
} from '../cells.js'
import { measure, missingCell } from '../measure.js'
import {
  blind,
  commonFields,
  confidenceField,
  decided,
  defaultConfidence,
  defineRule,
  metricField,
  type CorrectedTest,
  type GateData,
} from '../rule.js'
import type { CellResults, Verdict, VersionResults } from '../results.js'
import { worstOf, type Finding } from '../worst.js'
import { explainDifference } from './explain-difference.js'

const schema = z
  .strictObject({
    kind: z.literal('non-inferiority'),
    ...commonFields,
    metric: metricField,
    margin: z
      .number()
      .gt(0)
      .lt(1)
      .describe('drop that is tolerated, as a share above 0: 0.02 is two percentage points'),
    confidence: confidenceField,
  })
  .describe(
    'the candidate may not be worse than the baseline by more than a margin, on the same samples',
  )

type NonInferiorityRule = z.output<typeof schema>

interface Pairing {
  readonly threat: Threat | undefined
  readonly difference: PairedDifference
}

/**
 * With c = confidence, per norm and epsilon:
 * - pass when the lower one-sided limit of Tango's interval at level c lies above −margin. A rule passes only if
 *   every pair of norm and epsilon does, so this needs no correction for their number;
 * - fail when the estimated drop exceeds the margin and McNemar's exact one-sided test shows, at level c, that the
 *   candidate is worse. One failing pair is enough, so the p-values are corrected by Holm over all such tests of
 *   the gate. An upper limit of the interval below −margin is no ground of its own: the score interval is
 *   approximate, uncorrected, and would fail a gate on 3 newly broken samples against 0, which chance explains;
 * - else inconclusive: neither is shown.
 */
export const nonInferiority = defineRule({
  schema,
  examine(rule, data) {
    const { baseline, candidate } = data
    const what = describeMetric(rule.metric, rule.scope, undefined)
    if (!baseline)
      return decided(blind(`${what}: no verdict, there is no baseline to compare with`))
    const cells = [baseline.cells, candidate.cells, data.requiredCells].flatMap((own) =>
      cellsInScope<CellResults | GateData['requiredCells'][number]>(own, rule.scope),
    )
    const threats = rule.metric === 'cleanAccuracy' ? [undefined] : threatsOf(cells)
    if (cells.length === 0)
      return decided(
        blind(`no result matches this rule (${describeScope(rule.scope)}); check its scope`),
      )
    if (baseline.datasetDigest !== candidate.datasetDigest)
      return decided(
        blind(
          `${what}: no verdict, ${baseline.version} and ${candidate.version} were attacked on different data`,
        ),
      )
    const pairings = threats.map((threat) => pair(rule, baseline, data, threat))
    return {
      tests: pairings.flatMap((pairing) =>
        'verdict' in pairing ? [] : [pairing.difference.pWorse],
      ),
      decide(corrected) {
        let next = 0
        const findings = pairings.map((pairing) => {
          if ('verdict' in pairing) return pairing
          const worse = corrected[next++]
          if (!worse) throw new Error('a rule was decided without its own tests')
          return judge(rule, data, pairing, worse)
        })
        const [first, ...rest] = findings
        if (!first) throw new Error('a scope with cells has no norm and epsilon')
        return worstOf([first, ...rest])
      },
    }
  },
})

function pair(
  rule: NonInferiorityRule,
  baseline: VersionResults,
  data: GateData,
  threat: Threat | undefined,
): Pairing | Finding {
  const problem = (text: string): Finding => ({
    ...blind(`${describeMetric(rule.metric, rule.scope, threat)}: no verdict, ${text}`),
    slack: 0,
  })
  const isHere = (cell: Threat): boolean => !threat || sameThreat(cell, threat)
  const before = cellsInScope(baseline.cells, rule.scope).filter(isHere)
  const after = cellsInScope(data.candidate.cells, rule.scope).filter(isHere)
  const missing = missingCell(data, cellsInScope(data.requiredCells, rule.scope).filter(isHere))
  if (missing !== undefined) return problem(missing)
  if (rule.metric === 'robustAccuracy' && !sameAttacks(before, after))
    return problem(
      `the attacks differ: ${listAttacks(before)} on ${baseline.version}, ${listAttacks(after)} on ${data.candidate.version}`,
    )
  const old = measure(rule.metric, baseline, before)
  if ('problem' in old) return problem(old.problem)
  const now = measure(rule.metric, data.candidate, after)
  if ('problem' in now) return problem(now.problem)
  if (old.samples.length !== now.samples.length || old.samples.some((s, i) => s !== now.samples[i]))
    return problem(
      `${baseline.version} and ${data.candidate.version} were not attacked on the same samples`,
    )
  const counts = pairCounts(old.right, now.right)
  return { threat, difference: pairedDifference(counts, rule.confidence ?? defaultConfidence) }
}

/** A worst case over more attacks is lower by construction, so both sides must have run the same ones. */
function sameAttacks(before: readonly CellResults[], after: readonly CellResults[]): boolean {
  const theirs = after.map(cellKey).sort()
  const ours = before.map(cellKey).sort()
  return ours.length === theirs.length && ours.every((key, i) => key === theirs[i])
}

function listAttacks(cells: readonly CellResults[]): string {
  if (cells.length === 0) return 'none'
  const labels = cells.map(({ label, attackDigest }) =>
    attackDigest === undefined ? label : `${label} (${attackDigest.slice(0, 8)})`,
  )
  return labels.sort().join(' + ')
}

function judge(
  rule: NonInferiorityRule,
  data: GateData,
  { threat, difference }: Pairing,
  worse: CorrectedTest,
): Finding {
  const confidence = rule.confidence ?? defaultConfidence
  const significance = 1 - confidence
  const { counts, estimate } = difference
  const isWithin = tangoNonInferiorityP(counts, rule.margin) < significance
  const isWorse = worse.p < significance
  const verdict: Verdict = isWithin
    ? 'pass'
    : estimate < -rule.margin && isWorse
      ? 'fail'
      : 'inconclusive'
  const lowest = tangoInterval(counts, 2 * confidence - 1).low
  const right = counts.bothRight + counts.newlyFixed
  return {
    verdict,
    reason: explainDifference({
      subject: describeMetric(rule.metric, rule.scope, threat),
      difference,
      worse,
      verdict,
      lowest,
      margin: rule.margin,
      confidence,
      isSameModel: data.baseline?.modelDigest === data.candidate.modelDigest,
    }),
    value: wilson(right, difference.trials, confidence),
    difference,
    pAdjusted: worse.p,
    slack: lowest + rule.margin,
  }
}
