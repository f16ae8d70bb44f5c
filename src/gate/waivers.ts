import { GauntletError } from '../errors.js'
import { didYouMean } from '../util/did-you-mean.js'
import type { GateRule } from './schema.js'
import type { Waiver } from './results.js'

/** The day of an instant in UTC, as waivers write it: `2026-12-31`. */
export function utcDay(instant: Date): string {
  return instant.toISOString().slice(0, 10)
}

/** @throws GauntletError GNT_CONFIG if a waiver names a rule that the gate does not have */
export function checkWaivers(waivers: readonly Waiver[], rules: readonly GateRule[]): void {
  const ids = rules.map(({ id }) => id)
  for (const [i, { rule }] of waivers.entries()) {
    if (ids.includes(rule)) continue
    const near = didYouMean(rule, ids)
    throw new GauntletError('GNT_CONFIG', {
      what: 'waiver for a rule that the gate does not have',
      where: `gate.waivers[${i}].rule`,
      got: JSON.stringify(rule),
      expected: ids.length > 0 ? `one of ${ids.join(', ')}` : undefined,
      fix: near === undefined ? 'remove the waiver' : `did you mean ${near}?`,
    })
  }
}

/** The waivers of a rule: the active one that lasts longest, else the one that expired last. */
export function waiverOf(
  waivers: readonly Waiver[],
  rule: string,
  today: string,
): { readonly active?: Waiver | undefined; readonly expired?: Waiver | undefined } {
  // ISO days compare as text.
  const [latest] = waivers
    .filter((waiver) => waiver.rule === rule)
    .toSorted((a, b) => (a.expires < b.expires ? 1 : -1))
  if (!latest) return {}
  return latest.expires >= today ? { active: latest } : { expired: latest }
}
