import { z } from 'zod'
import type { Examination, GateData, RuleKind, RuleScope } from './rule.js'
import { ruleKinds } from './rules/index.js'
import type { Waiver } from './results.js'

function schemasOf<Kinds extends readonly RuleKind[]>(
  kinds: Kinds,
): { [K in keyof Kinds]: Kinds[K]['schema'] } {
  // `map` forgets the length and the order of a tuple.
  return kinds.map(({ schema }) => schema) as never
}

/** A rule as it stands in a configuration: strict, an unknown key is an error. */
export const gateRuleSchema = z.discriminatedUnion('kind', schemasOf(ruleKinds))

/** A checked rule; `kind` says which. */
export type GateRule = z.output<typeof gateRuleSchema>

export const waiverSchema = z.strictObject({
  rule: z.string().min(1).describe('id of the rule that may fail'),
  reason: z
    .string()
    .regex(/\S/, { error: 'a reason in words' })
    .describe('why that is accepted; shown in every report'),
  expires: z.iso
    .date({ error: 'a day that exists, such as 2026-12-31' })
    .describe('last day of the waiver, UTC: 2026-12-31'),
}) satisfies z.ZodType<Waiver>

/** First step of a rule: its tests, and how it will decide once they are corrected. */
export function examineRule(rule: GateRule, data: GateData): Examination {
  const kinds: readonly RuleKind[] = ruleKinds
  const kind = kinds.find(({ schema }) => schema.shape['kind']?.safeParse(rule.kind).success)
  if (!kind) throw new Error(`no kind of rule is called ${rule.kind}`)
  return kind.examine(rule, data)
}

/** What the rules that are on say about norms and epsilons; those about poisons and backdoors say nothing of them. */
export function threatScopes(rules: readonly GateRule[]): RuleScope[] {
  return rules.flatMap((rule) => {
    switch (rule.kind) {
      case 'floor':
      case 'non-inferiority':
      case 'required-attacks':
        return rule.level === 'off' || !rule.scope ? [] : [rule.scope]
      case 'ceiling':
      case 'poison-regression':
      case 'required-poisons':
      case 'backdoor-audit':
        return []
    }
  })
}
