import type { FindingView, RunReport, TrustView } from '../src/reporter.js'
import { formatCounted } from '../src/stats/format.js'

/** `v2`, `v2 (poisoning)` */
export function trustSubject({ version, about }: TrustView): string {
  return about === undefined ? version : `${version} (${about})`
}

/** Of one version: `void: 1 signal invalidates it, 2 lower it`. */
export function trustText({ trust, findings }: TrustView): string {
  const count = (severity: FindingView['severity']): number =>
    signalsOf(findings.filter((finding) => finding.severity === severity)).length
  const [errors, warnings] = [count('error'), count('warning')]
  const why = [
    errors > 0 &&
      `${formatCounted(errors, 'signal')} ${errors === 1 ? 'invalidates' : 'invalidate'} it`,
    warnings > 0 &&
      `${formatCounted(warnings, 'signal')} ${warnings === 1 ? 'lowers' : 'lower'} it`,
  ].filter(Boolean)
  return why.length === 0 ? trust : `${trust}: ${why.join(', ')}`
}

/** A signal that was raised, with the first of its findings standing for all. */
export interface RaisedSignal extends FindingView {
  /** How many more there are of it. */
  readonly more: number
}

/** Each signal once, in the order of its first finding. */
export function signalsOf(findings: readonly FindingView[]): RaisedSignal[] {
  const groups = new Map<string, FindingView[]>()
  for (const finding of findings) {
    const known = groups.get(finding.signal)
    if (known) known.push(finding)
    else groups.set(finding.signal, [finding])
  }
  return [...groups.values()].map(([first, ...others]) => ({ ...first!, more: others.length }))
}

/** `E5 (PGD-40, L∞ 8/255) accuracy 31 % at ε = range; 2 more like it; what to do: …` */
export function signalText({ signal, where, text, more, remedy }: RaisedSignal): string {
  const place = where ? ` (${where})` : ''
  const others = more > 0 ? `; ${more} more like it` : ''
  return `${signal}${place} ${text}${others}; what to do: ${remedy}`
}

/** Versions whose trust there is something to say about. */
export function spokenTrust({ trust = [] }: RunReport): readonly TrustView[] {
  return trust.filter(({ findings }) => findings.some(({ severity }) => severity !== 'note'))
}

/** Whether the self-audit found that a version's numbers mean nothing. */
export const isVoid = ({ trust = [] }: RunReport, version: string): boolean =>
  trust.some((view) => view.version === version && view.trust === 'void')

/** `void: the evaluation of v2 is not valid`, of the versions that it holds for; undefined of none. */
export function voidText(report: RunReport, versions: readonly string[]): string | undefined {
  const without = versions.filter((version) => isVoid(report, version))
  if (without.length === 0) return undefined
  return `void: the evaluation of ${without.join(' and ')} is not valid`
}
