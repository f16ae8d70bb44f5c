import { z } from 'zod'
import {
  formatCounted,
  formatPercent,
  formatRoughCount,
  formatShareInterval,
  formatSharePlain,
} from '../../stats/format.js'
import { wilson } from '../../stats/proportion.js'
import { samplesForFloor } from '../../stats/sample-size.js'
import type { Proportion } from '../../stats/types.js'
import {
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
  type GateData,
} from '../rule.js'
import type { Verdict } from '../results.js'
import { worstOf, type Finding } from '../worst.js'

const schema = z
  .strictObject({
    kind: z.literal('floor'),
    ...commonFields,
    metric: metricField,
    min: z
      .number()
      .gt(0)
      .max(1)
      .describe('share that must be reached, above 0 and at most 1: 0.6 is 60 %'),
    confidence: confidenceField,
  })
  .describe('an accuracy must reach a limit: the lower end of its confidence interval decides')

type FloorRule = z.output<typeof schema>

/**
 * Pass when Wilson's interval lies at or above the limit, fail when it lies below, else inconclusive:
 * an interval that holds the limit is evidence for neither.
 */
export const floor = defineRule({
  schema,
  examine(rule, data) {
    const cells = cellsInScope(data.candidate.cells, rule.scope)
    const planned = cellsInScope(data.requiredCells, rule.scope)
    const threats = threatsOf([...cells, ...planned])
    const [first, ...rest] = threats
    if (!first)
      return decided(
        blind(`no result matches this rule (${describeScope(rule.scope)}); check its scope`),
      )
    if (rule.metric === 'cleanAccuracy') return decided(worstOf([judge(rule, data, undefined)]))
    return decided(
      worstOf([judge(rule, data, first), ...rest.map((threat) => judge(rule, data, threat))]),
    )
  },
})

function judge(rule: FloorRule, data: GateData, threat: Threat | undefined): Finding {
  const subject = describeMetric(rule.metric, rule.scope, threat)
  const isHere = (cell: Threat): boolean => !threat || sameThreat(cell, threat)
  const cells = cellsInScope(data.candidate.cells, rule.scope).filter(isHere)
  const missing = missingCell(data, cellsInScope(data.requiredCells, rule.scope).filter(isHere))
  const measured =
    missing === undefined ? measure(rule.metric, data.candidate, cells) : { problem: missing }
  if ('problem' in measured)
    return { ...blind(`${subject}: no verdict, ${measured.problem}`), slack: 0 }
  const { samples, right } = measured
  const value = wilson(
    right.filter(Boolean).length,
    samples.length,
    rule.confidence ?? defaultConfidence,
  )
  const verdict: Verdict =
    value.low >= rule.min ? 'pass' : value.high < rule.min ? 'fail' : 'inconclusive'
  const facts = `${subject}: ${formatPercent(value.estimate, rule.min)} (${formatShareInterval(value, rule.min)}, ${formatCounted(value.trials, 'sample')}); required at least ${formatSharePlain(rule.min)}`
  return {
    verdict,
    reason: verdict === 'inconclusive' ? `${facts}; ${advice(value, rule.min)}` : facts,
    value,
    slack: value.low - rule.min,
  }
}

function advice(value: Proportion, min: number): string {
  const needed = samplesForFloor(value, min)
  const undecided = 'undecided, because the interval holds the limit'
  return needed === null
    ? `${undecided}; at this value no number of samples would decide`
    : `${undecided}; about ${formatRoughCount(needed)} samples would decide if the value stays`
}
