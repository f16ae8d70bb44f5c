import type { Outcome } from './rule.js'
import type { Verdict } from './results.js'

/** What a rule finds at one norm and epsilon, or of one poison at one rate. */
export interface Finding extends Outcome {
  /** How far the deciding limit is from what is required; negative is on the wrong side. */
  readonly slack: number
}

const rank: Readonly<Record<Verdict, number>> = { fail: 0, inconclusive: 1, pass: 2 }
const words: Readonly<Record<Verdict, readonly [one: string, many: string]>> = {
  fail: ['fails', 'fail'],
  inconclusive: ['is undecided', 'are undecided'],
  pass: ['passes', 'pass'],
}

/** The worst finding speaks for the rule, and says how many others there are. */
export function worstOf(
  findings: readonly [Finding, ...Finding[]],
  pairs = 'norm and epsilon pairs',
): Outcome {
  const [worst, ...others] = findings.toSorted(
    (a, b) =>
      rank[a.verdict] - rank[b.verdict] ||
      Number(b.isBlind === true) - Number(a.isBlind === true) ||
      a.slack - b.slack,
  )
  // `toSorted` forgets that the list is not empty.
  const { slack: _, ...outcome } = worst ?? findings[0]
  return {
    ...outcome,
    isBlind: findings.some(({ isBlind }) => isBlind === true),
    reason: others.length === 0 ? outcome.reason : `${outcome.reason}; ${tally(others, pairs)}`,
  }
}

function tally(others: readonly Finding[], pairs: string): string {
  const parts = (['fail', 'inconclusive', 'pass'] as const).flatMap((verdict) => {
    const count = others.filter((other) => other.verdict === verdict).length
    return count === 0 ? [] : [`${count} ${words[verdict][count === 1 ? 0 : 1]}`]
  })
  return `worst of ${others.length + 1} ${pairs}, of the others ${parts.join(', ')}`
}
