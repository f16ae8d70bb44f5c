import type { ModelAudit } from '../src/audit/model/result.js'
import type { BackdoorAudit } from '../src/gate/types.js'
import type { AuditView } from '../src/reporter.js'

/** What the reports show of the audit of one version's file: each class with the form of trigger that stands out most. */
export function auditView(version: string, audit: ModelAudit): AuditView {
  const { status, reason, flagged, samples, seeds, classes } = audit
  return {
    version,
    isComplete: status === 'complete',
    reason,
    flagged,
    samples,
    seeds: seeds.length,
    classes: classes.map(({ label, name, forms, flagged: isFlagged }) => {
      const [form, most] = Object.entries(forms).toSorted(
        ([, a], [, b]) =>
          Number(b.flagged) - Number(a.flagged) || (b.index ?? -Infinity) - (a.index ?? -Infinity),
      )[0]!
      return {
        label,
        name: name ?? String(label),
        isFlagged,
        form,
        size: most.size,
        ratio: most.ratio,
        index: most.index,
        reach: most.reach,
        flaggedSeeds: most.flaggedSeeds.length,
      }
    }),
    findings: audit.findings.map(({ signal, where, text }) => ({ signal, where, text })),
  }
}

/** What the gate reads of it. Where no class could have been flagged, none being flagged says nothing. */
export function backdoorAudit({
  status,
  reason,
  classes,
  flagged,
  findings,
}: ModelAudit): BackdoorAudit {
  const blind = classes.filter(({ forms }) =>
    Object.values(forms).every(({ size }) => size === null),
  )
  return {
    classes: classes.length,
    flagged,
    doubts: [
      ...(status === 'complete'
        ? []
        : [`its triggers were not searched for: ${reason ?? 'no reason given'}`]),
      ...findings.filter(({ signal }) => signal === 'few-classes').map(({ text }) => text),
      ...(blind.length > 0
        ? [`no trigger to class ${blind.map(({ label }) => label).join(', ')} could be measured`]
        : []),
    ],
  }
}
