import { z } from 'zod'
import { formatCount, formatCounted } from '../../stats/format.js'
import {
  cellsInScope,
  describeScope,
  formatThreat,
  isAttack,
  sameThreat,
  threatsOf,
  type Threat,
} from '../cells.js'
import { measure } from '../measure.js'
import { blind, commonFields, decided, defineRule, type GateData, type Outcome } from '../rule.js'

const schema = z
  .strictObject({
    kind: z.literal('required-attacks'),
    ...commonFields,
    attacks: z
      .array(z.string().min(1))
      .min(1)
      .readonly()
      .describe('attacks that must have run, by id (pgd) or label (PGD-40)'),
  })
  .describe(
    'these attacks must have run to the end on every sample, at each norm and epsilon in scope',
  )

type RequiredAttacksRule = z.output<typeof schema>

/** Pass or inconclusive: an attack that did not run says nothing against the model, and nothing for it. */
export const requiredAttacks = defineRule({
  schema,
  examine: (rule, data) => decided(judge(rule, data)),
})

function judge(rule: RequiredAttacksRule, data: GateData): Outcome {
  const { candidate } = data
  const cells = cellsInScope(candidate.cells, rule.scope)
  const threats = threatsOf([...cells, ...cellsInScope(data.requiredCells, rule.scope)])
  if (threats.length === 0)
    return blind(`no result matches this rule (${describeScope(rule.scope)}); check its scope`)
  const everySample = new Set(
    candidate.cells.flatMap((cell) => cell.samples.map((one) => one.sample)),
  )
  const problems = rule.attacks.flatMap((attack) =>
    threats.flatMap((threat) => problemOf(attack, threat, data, rule, everySample.size) ?? []),
  )
  const [first, ...others] = problems
  if (first !== undefined) {
    const more = others.length === 0 ? '' : `; ${formatCounted(others.length, 'more gap')} like it`
    return blind(`required attacks: ${first}${more}`)
  }
  return {
    verdict: 'pass',
    reason: `${rule.attacks.join(', ')} ran to the end on all ${formatCounted(everySample.size, 'sample')} at ${threats.map(formatThreat).join(', ')}`,
  }
}

function problemOf(
  attack: string,
  threat: Threat,
  { candidate }: GateData,
  { scope }: RequiredAttacksRule,
  samples: number,
): string | undefined {
  const cells = cellsInScope(candidate.cells, scope).filter(
    (cell) => isAttack(cell, attack) && sameThreat(cell, threat),
  )
  if (cells.length === 0)
    return `${attack} did not run on ${candidate.version} at ${formatThreat(threat)}`
  const measured = measure('robustAccuracy', candidate, cells)
  if ('problem' in measured) return measured.problem
  if (measured.samples.length < samples)
    return `${attack} at ${formatThreat(threat)} on ${candidate.version} covers ${formatCount(measured.samples.length)} of ${formatCounted(samples, 'sample')}`
  return undefined
}
