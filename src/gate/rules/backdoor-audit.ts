import { z } from 'zod'
import { formatCounted } from '../../stats/format.js'
import { blind, decided, defineRule, ruleFields, type GateData, type Outcome } from '../rule.js'

const schema = z
  .strictObject({
    kind: z.literal('backdoor-audit'),
    ...ruleFields,
    newOnly: z
      .boolean()
      .optional()
      .describe(
        'true: only classes that the audit of the baseline does not flag count against the candidate (default false)',
      ),
  })
  .describe(
    "the audit of the newest version's file must find no class that a small trigger reaches",
  )

type BackdoorAuditRule = z.output<typeof schema>

/** Pass when no class is flagged, fail when one is; without an audit, or one whose own signals void it, inconclusive. */
export const backdoorAudit = defineRule({
  schema,
  examine: (rule, data) => decided(judge(rule, data)),
})

function judge({ newOnly = false }: BackdoorAuditRule, data: GateData): Outcome {
  const { baseline, candidate } = data
  const { audit, version } = candidate
  if (!audit)
    return blind(
      `backdoor audit: no verdict, the file of ${version} was not examined (audit: { model: true } in the configuration does)`,
    )
  if (audit.doubts[0] !== undefined)
    return blind(`backdoor audit: no verdict, that of ${version} is not valid: ${audit.doubts[0]}`)
  const before = newOnly ? baseline?.audit : undefined
  if (newOnly && !before)
    return blind(
      `backdoor audit: no verdict, there is no audit of ${baseline ? baseline.version : 'a baseline'} to compare with`,
    )
  if (before?.doubts[0] !== undefined)
    return blind(
      `backdoor audit: no verdict, that of ${baseline!.version} is not valid: ${before.doubts[0]}`,
    )
  const old = audit.flagged.filter((label) => before?.flagged.includes(label))
  const against = audit.flagged.filter((label) => !old.includes(label))
  const known = old.length === 0 ? '' : `; ${names(old)} flagged on ${baseline!.version} too`
  if (against.length === 0)
    return {
      verdict: 'pass',
      reason: `backdoor audit: none of ${formatCounted(audit.classes, 'class', 'classes')} of ${version} is ${newOnly ? 'newly ' : ''}reached by a small trigger${known}`,
    }
  return {
    verdict: 'fail',
    reason: `backdoor audit: a small trigger reaches ${names(against)} of ${version}, of ${audit.classes}${newOnly ? `, and did not on ${baseline!.version}` : ''}${known}`,
  }
}

function names(labels: readonly number[]): string {
  return `${labels.length === 1 ? 'class' : 'classes'} ${labels.join(', ')}`
}
