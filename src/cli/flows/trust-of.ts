import type { PoisonDoubt } from '../../../reports/poisoning.js'
import type { ModelAudit } from '../../audit/model/result.js'
import { builtInAttacks } from '../../../attacks/index.js'
import type { AttackPlugin } from '../../attack/types.js'
import type { TrialSet } from '../../plan/trial-arms.js'
import type { FindingView, TrustView } from '../../reporter.js'
import type { Store } from '../../store/store.js'
import type { CellOutcomes, RunRecord } from '../../store/types.js'
import { findSignal } from '../../trust/catalogue/index.js'
import { poisonFindings } from '../../trust/poisoning/index.js'
import type { ClassCounts, PoisonFinding } from '../../trust/poisoning/types.js'
import type { Finding, Severity } from '../../trust/finding.js'
import { rateTrust } from '../../trust/rate.js'
import { averaged } from '../../trust/results/averaged.js'
import { resultFindings } from '../../trust/results/index.js'
import type { GateThreat, ResultSet } from '../../trust/results/types.js'

/** Where an examination is filed; part of a run's manifest. */
interface Filed {
  readonly version: string
  readonly key: string
}

export interface TrustOptions {
  /** The version that the last one is compared with, and its cells; they may be another run's. */
  readonly baseline?: ResultSet | undefined
  readonly gateThreats?: readonly GateThreat[] | undefined
  /** Attacks of third parties, as far as they are known. */
  readonly plugins?: readonly AttackPlugin[] | undefined
}

/** What the harness found out about its own evaluation, by version; undefined for a run without a self-audit. */
export async function trustOf(
  store: Store,
  run: RunRecord,
  cells: readonly CellOutcomes[],
  options: TrustOptions = {},
): Promise<TrustView[] | undefined> {
  const filed = (run.manifest['examinations'] ?? []) as readonly Filed[]
  if (filed.length === 0) return undefined
  const examined = await store.examinationsOf(filed.map(({ key }) => key))
  const plugins = [...builtInAttacks, ...(options.plugins ?? [])]
  const kinds = (id: string): AttackPlugin | undefined => plugins.find((one) => one.id === id)
  return filed.map(({ version, key }, i) => {
    const found = examined.get(key)
    const isLast = i === filed.length - 1
    const own = resultSetOf(cells, version)
    const findings = [
      // The same bytes under another name are examined once.
      ...(found ?? [notExamined]).map((finding) =>
        averaged({ ...finding, version }, { ...own, kinds }),
      ),
      ...trainedFindings(run, version),
      ...resultFindings({
        ...own,
        baseline: isLast ? options.baseline : undefined,
        kinds,
        gateThreats: isLast ? options.gateThreats : undefined,
      }),
    ]
    return { version, trust: rateTrust(findings), findings: findings.map(viewOf).sort(worstFirst) }
  })
}

/** What the trials of a run say against themselves; the run's manifest knows the classes of its data. */
export function findingsOfTrials(
  { manifest }: RunRecord,
  sets: readonly TrialSet[],
  references: readonly TrialSet[] = [],
): readonly PoisonFinding[] {
  const classes = manifest['classCounts'] as ClassCounts | undefined
  return poisonFindings({ sets, references, classes })
}

/** How far the numbers about poisons can be trusted, by version; rated apart, as they say nothing about other attacks. */
export function trustInTrials(
  sets: readonly TrialSet[],
  found: readonly PoisonFinding[],
): TrustView[] {
  return [...new Set(sets.map(({ record }) => record.version))].map((version) => {
    const own = found.filter((finding) => finding.version === version).map(asFinding)
    return {
      version,
      about: 'poisoning',
      trust: rateTrust(own),
      findings: own.map(viewOf).sort(worstFirst),
    }
  })
}

/** Signal B10, by version: an audit that flags one class for some seeds and not for others. */
export function trustInAudits(audits: ReadonlyMap<string, ModelAudit>): TrustView[] {
  return [...audits].map(([version, { findings }]) => {
    const own = findings
      .filter(({ signal }) => signal === 'B10')
      .map((finding): Finding => ({ ...finding, version }))
    return {
      version,
      about: 'backdoor audit',
      trust: rateTrust(own),
      findings: own.map(viewOf).sort(worstFirst),
    }
  })
}

/** What voids the numbers after one filter lowers the trust in all of them, and no more. */
function asFinding({ cell: _cell, filter, severity, ...finding }: PoisonFinding): Finding {
  const isPartial = filter !== undefined && severity === 'error'
  return { ...finding, severity: isPartial ? 'warning' : severity }
}

/** What keeps rules about poisons from deciding, by cell of trials. */
export function doubtsOfTrials(found: readonly PoisonFinding[]): PoisonDoubt[] {
  return found
    .filter(({ severity }) => severity === 'error')
    .map(({ signal, cell, text, filter }) => ({
      cell,
      filter,
      text: `${signal}, ${text}; what to do: ${findSignal(signal).remedy} (gauntlet explain ${signal})`,
    }))
}

export function resultSetOf(cells: readonly CellOutcomes[], version: string): ResultSet {
  return {
    version,
    cells: cells
      .filter(({ cell }) => cell.model.version === version)
      .map(({ cell, outcomes, complete }) => ({
        attack: cell.attack,
        threat: cell.threat,
        outcomes,
        complete,
      })),
  }
}

/** What keeps a gate from deciding: of each version, what invalidates its evaluation. One line each. */
export function doubtsOf(trust: readonly TrustView[], versions: readonly string[]): string[] {
  return trust
    .filter(({ version }) => versions.includes(version))
    .flatMap(({ version, findings }) => {
      const signals = new Map<string, FindingView>()
      for (const finding of findings)
        if (finding.severity === 'error' && !signals.has(finding.signal))
          signals.set(finding.signal, finding)
      return [...signals.values()].map(
        ({ signal, where, text, remedy }) =>
          `${version}: ${signal}${where ? ` (${where})` : ''}, ${text}; what to do: ${remedy} (gauntlet explain ${signal})`,
      )
    })
}

const notExamined = {
  signal: 'E24',
  severity: 'warning',
  version: '',
  where: '',
  text: 'the self-audit of this version did not come to its end',
} as const satisfies Finding

/** P16, from what was known when the run began. */
function trainedFindings({ manifest, cells }: RunRecord, version: string): Finding[] {
  const trained = manifest['trainedOn']
  if (typeof trained !== 'number' || trained === 0) return []
  const samples = manifest['samples'] ?? cells[0]?.to
  const text = `the models were trained on ${trained} of the ${String(samples)} samples`
  return [{ signal: 'P16', severity: 'warning', version, where: '', text }]
}

const ranks: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 }

const worstFirst = (a: Finding, b: Finding): number => ranks[a.severity] - ranks[b.severity]

function viewOf(finding: Finding): FindingView {
  const { title, remedy } = findSignal(finding.signal)
  return { ...finding, title, remedy }
}
