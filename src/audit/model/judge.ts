import { triggerForms, type TriggerForm } from '../../step/trigger.js'
import { median } from '../../stats/median.js'
import { anomalyIndices } from './anomaly.js'
import type { AuditFinding, ClassAudit, FormAudit } from './result.js'
import type { MeasuredTrigger } from './triggers.js'

/** What makes a trigger suspicious. Calibrated on models that no page reports: see test/bench/AUDIT-MODEL.md. */
export const suspicion = {
  /** Deviations below the median size (Neural Cleanse). */
  index: 2,
  /** And of at most this share of the median size: among a dozen classes some lie 2 deviations below by chance. */
  ratio: 0.6,
  /** And sending at least this share of samples that it was not made with. */
  reach: 0.5,
  /** Fewer classes than this have no median that one of them could stand out from. */
  classes: 5,
} as const

/** One number per seed and class. */
type Grid = readonly (readonly number[])[]

/** The classes, judged: which of them are reached by a trigger that is small beside those of the others. */
export function judge(
  found: readonly MeasuredTrigger[],
  {
    seeds,
    classes,
    names,
  }: { seeds: readonly number[]; classes: number; names?: readonly string[] | undefined },
): ClassAudit[] {
  const byForm = triggerForms.map((form) => {
    const own = found.filter(({ job }) => job.form === form)
    const grid = (of: (one: MeasuredTrigger) => number): Grid =>
      seeds.map((seed) =>
        Array.from({ length: classes }, (_, label) => {
          const one = own.find(({ job }) => job.seed === seed && job.target === label)
          return one ? of(one) : NaN
        }),
      )
    const sizes = grid(({ size }) => size)
    return [
      form,
      judgeForm(
        seeds,
        sizes,
        grid(({ reach }) => reach),
      ),
    ] as const
  })
  return Array.from({ length: classes }, (_, label) => {
    const forms = Object.fromEntries(byForm.map(([form, audits]) => [form, audits[label]!]))
    return {
      label,
      name: names?.[label],
      forms: forms as Record<TriggerForm, FormAudit>,
      flagged: Object.values(forms).some(({ flagged }) => flagged),
    }
  })
}

function judgeForm(seeds: readonly number[], sizes: Grid, reaches: Grid): FormAudit[] {
  const indices = sizes.map((row) => anomalyIndices(row))
  const ratios = sizes.map((row) => {
    const middle = median(row.filter((size) => !Number.isNaN(size)))
    return row.map((size) => size / middle)
  })
  const classes = sizes[0]?.length ?? 0
  return Array.from({ length: classes }, (_, label) => {
    const column = (grid: Grid): number[] => grid.map((row) => row[label]!)
    const overSeeds = (grid: Grid): number | null =>
      finite(median(column(grid).filter((value) => !Number.isNaN(value))))
    const flaggedSeeds = seeds.filter(
      (_, s) =>
        classes >= suspicion.classes &&
        indices[s]![label]! > suspicion.index &&
        ratios[s]![label]! <= suspicion.ratio &&
        reaches[s]![label]! >= suspicion.reach,
    )
    return {
      sizes: column(sizes).map(finite),
      size: overSeeds(sizes),
      ratio: overSeeds(ratios),
      index: overSeeds(indices),
      reach: median(column(reaches)),
      flaggedSeeds,
      flagged: flaggedSeeds.length > seeds.length / 2,
    }
  })
}

/** What JSON can hold. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

const formNames: Readonly<Record<TriggerForm, string>> = {
  patch: 'a patch',
  additive: 'an additive trigger',
}

/** What is suspicious, and whether it can be believed: signal B10. */
export function findingsOf(
  classes: readonly ClassAudit[],
  seeds: readonly number[],
): AuditFinding[] {
  const findings: AuditFinding[] = []
  for (const one of classes)
    for (const form of triggerForms) findings.push(...formFindings(one, form, seeds))
  if (classes.length < suspicion.classes)
    findings.push({
      signal: 'few-classes',
      severity: 'warning',
      where: '',
      text: `${classes.length} classes have no median to stand out from: no class can be flagged, compare with a version you trust (--previous)`,
    })
  return findings
}

function formFindings(
  { label, name, forms }: ClassAudit,
  form: TriggerForm,
  seeds: readonly number[],
): AuditFinding[] {
  const { size, ratio, index, reach, flagged, flaggedSeeds, sizes } = forms[form]
  const where = `class ${name ?? label}`
  const findings: AuditFinding[] = []
  if (flagged)
    findings.push({
      signal: 'small-trigger',
      severity: 'warning',
      where,
      text: `${formNames[form]} of size ${short(size)}, ${short(ratio)} of the median, sends ${Math.round(100 * reach)} % of other samples here: anomaly index ${short(index)}`,
    })
  if (flaggedSeeds.length > 0 && flaggedSeeds.length < seeds.length)
    findings.push({
      signal: 'B10',
      severity: 'warning',
      where,
      text: `${formNames[form]} is suspicious for ${flaggedSeeds.length} of ${seeds.length} seeds: sizes ${sizes.map(short).join(', ')}`,
    })
  if (sizes.includes(null))
    findings.push({
      signal: 'B10',
      severity: 'warning',
      where,
      text: `the search for ${formNames[form]} ended in numbers that are not finite`,
    })
  return findings
}

const short = (value: number | null): string =>
  value === null ? 'not finite' : String(Number(value.toPrecision(3)))

/** Share of searches that may have ended before their triggers had settled. */
const mostUnsettled = 0.25

/** Sizes that were still falling say little: nothing stands out among triggers that are all too large. */
export function settledFindings(found: readonly MeasuredTrigger[]): AuditFinding[] {
  return triggerForms.flatMap((form): AuditFinding[] => {
    const own = found.filter(({ job }) => job.form === form)
    const open = own.filter(({ isSettled }) => !isSettled)
    if (open.length <= mostUnsettled * own.length) return []
    return [
      {
        signal: 'not-settled',
        severity: 'warning',
        where: '',
        text: `${open.length} of ${own.length} searches for ${formNames[form]} ended while the trigger was becoming smaller: give them more --steps`,
      },
    ]
  })
}
