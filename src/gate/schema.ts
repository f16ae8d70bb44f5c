import { z } from 'zod'
import { epsilonExpected, readEpsilon } from '../threat/epsilon.js'

const share = z.number().min(0).max(1)

const scopeSchema = z
  .strictObject({
    attack: z.string().min(1).optional().describe('id of an attack (default: all)'),
    norm: z.enum(['linf', 'l2', 'l1']).optional().describe('norm of the threat (default: all)'),
    epsilon: z
      .union([z.number(), z.string()])
      .transform((value, context) => {
        const epsilon = readEpsilon(value)
        if (epsilon === undefined) context.addIssue({ code: 'custom', message: epsilonExpected })
        return epsilon ?? NaN
      })
      .optional()
      .describe('radius of the threat, in the units of the data: 0.03 or "8/255" (default: all)'),
  })
  .describe('which results the rule speaks of (default: all)')

const common = {
  id: z.string().min(1).describe('name of the rule, unique within the gate'),
  level: z
    .enum(['off', 'warn', 'error'])
    .default('error')
    .describe('what a failure does (default error)'),
  scope: scopeSchema.optional(),
}

const metric = z
  .enum(['cleanAccuracy', 'robustAccuracy'])
  .describe('share of samples that are right, clean or under every attack')

const confidence = z
  .number()
  .gt(0.5)
  .lt(1)
  .default(0.95)
  .describe('confidence of the interval, a share (default 0.95)')

/** A rule of the gate as it is written in a configuration or a suite. */
export const gateRuleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal('floor').describe('at least a share, by the lower end of its interval'),
    metric,
    min: share.describe('least share, 0 to 1'),
    confidence,
  }),
  z.strictObject({
    ...common,
    kind: z
      .literal('non-inferiority')
      .describe('not worse than the baseline by more than a margin'),
    metric,
    margin: share.lt(1).describe('tolerated drop, a share: 0.02 is two percentage points'),
    confidence,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('required-attacks').describe('attacks that must have run on every sample'),
    attacks: z.array(z.string().min(1)).min(1).describe('ids of attacks'),
  }),
])

/** A failing rule only warns until a date. */
export const waiverSchema = z.strictObject({
  rule: z.string().min(1).describe('id of the rule'),
  reason: z.string().min(1).describe('why, for the report'),
  expires: z.iso
    .date({ error: 'a date as in 2026-12-31' })
    .describe('last day of the waiver, UTC: 2026-12-31'),
})
