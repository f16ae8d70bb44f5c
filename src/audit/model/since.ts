import { triggerForms, type TriggerForm } from '../../step/trigger.js'
import { median } from '../../stats/median.js'
import { suspicion } from './judge.js'
import type { AuditFinding, ClassAudit, SinceAudit } from './result.js'

export interface ClassSince {
  readonly label: number
  readonly forms: Readonly<Record<TriggerForm, SinceAudit>>
  readonly newlyReachable: boolean
}

/** @param before - the audit of the previous version, of the same samples and seeds */
export function compareClasses(
  now: readonly ClassAudit[],
  before: readonly ClassAudit[],
): ClassSince[] {
  const byForm = triggerForms.map((form) => [form, compareForm(form, now, before)] as const)
  return now.map(({ label }, i) => {
    const forms = Object.fromEntries(byForm.map(([form, rows]) => [form, rows[i]!]))
    return {
      label,
      forms: forms as Record<TriggerForm, SinceAudit>,
      newlyReachable: Object.values(forms).some(({ newlyReachable }) => newlyReachable),
    }
  })
}

function compareForm(
  form: TriggerForm,
  now: readonly ClassAudit[],
  before: readonly ClassAudit[],
): SinceAudit[] {
  // One row for each class, one column for each seed.
  const ratios = now.map((one, i) =>
    one.forms[form].sizes.map(
      (size, s) => (size ?? NaN) / (before[i]?.forms[form].sizes[s] ?? NaN),
    ),
  )
  const seeds = ratios[0]?.length ?? 0
  const usual = Array.from({ length: seeds }, (_, s) => known(ratios.map((row) => row[s]!)))
  // With few classes the class itself is most of the median.
  const isFew = now.length < suspicion.classes
  return ratios.map((row, i) => {
    const relative = row.map((ratio, s) => (isFew ? ratio : ratio / median(usual[s]!)))
    const own = known(row)
    return {
      ratio: finite(median(own)),
      low: finite(Math.min(...own)),
      high: finite(Math.max(...own)),
      relative: finite(median(known(relative))),
      newlyReachable:
        row.every(isSmall) &&
        relative.every(isSmall) &&
        now[i]!.forms[form].reach >= suspicion.reach,
    }
  })
}

export function sinceFindings(
  classes: readonly ClassSince[],
  previous: string,
  nameOf: (label: number) => string,
): AuditFinding[] {
  return classes.flatMap(({ label, forms }) =>
    triggerForms.flatMap((form): AuditFinding[] => {
      const { ratio, low, high, newlyReachable } = forms[form]
      if (!newlyReachable) return []
      const [r, l, h] = [ratio, low, high].map((value) => (value ?? NaN).toFixed(2))
      return [
        {
          signal: 'newly-reachable',
          severity: 'warning',
          where: `class ${nameOf(label)}`,
          text: `became reachable by a small ${form} trigger since ${previous}: ${r} of the size it took then (${l} to ${h} over the seeds)`,
        },
      ]
    }),
  )
}

const known = (values: readonly number[]): number[] =>
  values.filter((value) => !Number.isNaN(value))

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

const isSmall = (value: number): boolean => value <= suspicion.ratio
