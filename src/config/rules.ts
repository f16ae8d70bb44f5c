import type { z } from 'zod'

interface Versioned {
  readonly version: string
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
}

interface GateNames {
  readonly baseline: string
  readonly rules: readonly { readonly id: string }[]
}

type Context = z.core.$RefinementCtx

/** Names that mean something else where a baseline is named. */
export function isReserved(version: string): boolean {
  return version === 'previous' || version === 'first' || version.startsWith('baseline:')
}

/** What no single field can say. Messages are phrased as what is expected. */
export function checkVersions(models: readonly Versioned[], context: Context): void {
  const refuse = (path: PropertyKey[], message: string) =>
    context.addIssue({ code: 'custom', path: ['models', ...path], message })
  const seen = new Set<string>()
  for (const [i, { version, mean, std }] of models.entries()) {
    if (seen.has(version)) refuse([i, 'version'], 'a name that no version before it has')
    if (isReserved(version))
      refuse([i, 'version'], 'a name other than previous, first and baseline:NAME')
    if (mean && std && mean.length !== std.length)
      refuse([i, 'std'], `as many values as mean: ${mean.length}`)
    seen.add(version)
  }
}

export function checkGate(gate: GateNames, models: readonly Versioned[], context: Context): void {
  const refuse = (path: PropertyKey[], message: string) =>
    context.addIssue({ code: 'custom', path: ['gate', ...path], message })
  const older = models.slice(0, -1).map(({ version }) => version)
  const known = ['previous', 'first', ...older]
  if (!known.includes(gate.baseline) && !/^baseline:./.test(gate.baseline))
    refuse(['baseline'], `one of ${known.join(', ')}, baseline:NAME`)
  const ids = new Set<string>()
  for (const [i, { id }] of gate.rules.entries()) {
    if (ids.has(id)) refuse(['rules', i, 'id'], 'an id that no rule before it has')
    ids.add(id)
  }
}
