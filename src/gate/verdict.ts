import type { RuleResult, Verdict } from './results.js'

/** What a rule says to the gate: a warning or a waived finding says nothing against the candidate. */
export function countsAs({ level, verdict, waived }: RuleResult): Verdict {
  return level === 'error' && !waived ? verdict : 'pass'
}

/** One failure decides; without one, one open question does. No rules at all is no pass. */
export function combineVerdicts(rules: readonly RuleResult[]): Verdict {
  const verdicts = rules.map(countsAs)
  if (verdicts.includes('fail')) return 'fail'
  return verdicts.length === 0 || verdicts.includes('inconclusive') ? 'inconclusive' : 'pass'
}

/** What a process that ran the gate ends with. */
export function exitCodeFor(verdict: Verdict): 0 | 10 | 11 {
  switch (verdict) {
    case 'pass':
      return 0
    case 'fail':
      return 10
    case 'inconclusive':
      return 11
  }
}
