import { z } from 'zod'
import { formatCounted, formatRate } from '../../stats/format.js'
import {
  describePoison,
  describePoisonScope,
  isPoison,
  poisonScopeField,
  poisonsInScope,
  trialsOf,
} from '../poisons.js'
import { blind, decided, defineRule, ruleFields, type GateData, type Outcome } from '../rule.js'
import type { PoisonResults } from '../results.js'

/** As many trials as papers make at least. Source: Schwarzschild et al. 2021, arXiv:2006.12557. */
const usualTrials = 10

const schema = z
  .strictObject({
    kind: z.literal('required-poisons'),
    ...ruleFields,
    ...poisonScopeField,
    poisons: z
      .array(z.string().min(1))
      .min(1)
      .readonly()
      .describe('poisons that must have been tried, by id (badnets) or label'),
    trials: z
      .int()
      .min(1)
      .optional()
      .describe('trials that each must have at every rate in scope (default 10)'),
  })
  .describe('these poisons must have been tried to the end, in enough trials')

type RequiredPoisonsRule = z.output<typeof schema>

/** Pass or inconclusive: a poison that was not tried says nothing against the training, and nothing for it. */
export const requiredPoisons = defineRule({
  schema,
  examine: (rule, data) => decided(judge(rule, data)),
})

function judge(rule: RequiredPoisonsRule, { candidate }: GateData): Outcome {
  const cells = poisonsInScope(candidate, rule.scope)
  if (cells.length === 0)
    return blind(
      `no result matches this rule (${describePoisonScope(rule.scope)}); check its scope`,
    )
  const needed = rule.trials ?? usualTrials
  const problems = rule.poisons.flatMap((name) => {
    const own = cells.filter((cell) => isPoison(cell, name))
    if (own.length === 0) return [`${name} was not tried on ${candidate.version}`]
    return own.flatMap((cell) => problemOf(candidate.version, cell, needed) ?? [])
  })
  const [first, ...others] = problems
  if (first !== undefined) {
    const more = others.length === 0 ? '' : `; ${formatCounted(others.length, 'more gap')} like it`
    return blind(`required poisons: ${first}${more}`)
  }
  const rates = [...new Set(cells.map(({ rate }) => formatRate(rate)))]
  return {
    verdict: 'pass',
    reason: `${rule.poisons.join(', ')} tried in at least ${formatCounted(needed, 'trial')} at ${rates.join(', ')}`,
  }
}

function problemOf(version: string, cell: PoisonResults, needed: number): string | undefined {
  const what = describePoison(cell, undefined)
  const trials = trialsOf(version, cell, undefined)
  if ('problem' in trials) return `${what}: ${trials.problem}`
  const done = trials.values.size
  return done < needed
    ? `${what} has ${formatCounted(done, 'trial')} on ${version}, ${needed} are required`
    : undefined
}
