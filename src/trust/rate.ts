import type { Finding, Trust } from './types.js'

/**
 * Signals that are different looks at one thing: gradients that lead nowhere, and searches that end too early. Of each group one
 * counts.
 */
const alike: readonly (readonly string[])[] = [
  ['P7', 'P8', 'P10', 'E1', 'E2', 'E3', 'E4', 'E14', 'E15'],
  ['E6', 'E7', 'E8', 'E12', 'E13'],
]

/**
 * How far the numbers can be trusted that these findings are about.
 *
 * - Any error: `void`.
 * - Else by warnings: none is `high`, one or two are `medium`, three or more are `low`. A signal counts once, however often it
 *   was raised, and so do signals that say the same thing (gradients that lead nowhere; a search that ends too early).
 * - Notes count nothing.
 *
 * @param findings - of one version
 */
export function rateTrust(findings: readonly Finding[]): Trust {
  if (findings.some(({ severity }) => severity === 'error')) return 'void'
  const warnings = findings.filter(({ severity }) => severity === 'warning')
  const kinds = new Set(
    warnings.map(({ signal }) => alike.find((group) => group.includes(signal))?.[0] ?? signal),
  )
  if (kinds.size === 0) return 'high'
  return kinds.size <= 2 ? 'medium' : 'low'
}
