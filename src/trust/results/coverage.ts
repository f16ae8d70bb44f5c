import { formatCounted, formatPercent } from '../../stats/format.js'
import { formatEpsilon, normLabels } from '../../threat/threat-model.js'
import type { Finding } from '../types.js'
import { worstCase } from './compare.js'
import {
  formatNorm,
  formatThreat,
  groupBy,
  groupByThreat,
  isAttacked,
  sameEpsilon,
  type Trial,
} from './trial.js'
import type { GateThreat } from './types.js'

/** E16, E17, E18: is what was run enough to say what is claimed? */
export function findCoverage(
  trials: readonly Trial[],
  about: {
    readonly version: string
    readonly tolerance: number
    readonly gateThreats: readonly GateThreat[]
  },
): Finding[] {
  const { version, tolerance, gateThreats } = about
  const attacks = trials.filter(({ role }) => role !== 'control')
  return [
    ...oneGoalOnly(attacks, version),
    ...alike(attacks, version, tolerance),
    ...notCovered(attacks, version, gateThreats),
  ]
}

const leastOfGoal = 200
const shareOfGoal = 0.05

/** By attack, norm and epsilon; a sample falls to a goal if it falls to any of its runs. */
function oneGoalOnly(attacks: readonly Trial[], version: string): Finding[] {
  const groups = groupBy(attacks, ({ attack, threat }) => [
    attack.attack,
    attack.surrogate ?? null,
    threat.norm,
    threat.epsilon.toPrecision(10),
  ])
  return groups.flatMap((group): Finding[] => {
    const [untargeted, targeted] = (['untargeted', 'targeted'] as const).map((kind) =>
      successes(group.filter(({ threat }) => threat.goal.kind === kind)),
    ) as [Tally, Tally]
    if (Math.min(untargeted.attacked, targeted.attacked) < leastOfGoal) return []
    const [never, other, which] =
      targeted.broken === 0
        ? [targeted, untargeted, 'the targeted goal']
        : [untargeted, targeted, 'the untargeted goal']
    if (never.broken > 0 || other.broken < shareOfGoal * other.attacked) return []
    const { attack, threat } = group[0]!
    return [
      {
        signal: 'E16',
        severity: 'note',
        version,
        where: `${attack.label}, ${formatThreat({ ...threat, goal: { kind: 'untargeted' } })}`,
        text: `${which} is never reached on ${formatCounted(never.attacked, 'sample')}, the other on ${formatPercent(other.broken / other.attacked)}`,
      },
    ]
  })
}

interface Tally {
  readonly attacked: number
  readonly broken: number
}

function successes(trials: readonly Trial[]): Tally {
  const attacked = new Set<number>()
  const broken = new Set<number>()
  for (const { threat, outcomes } of trials)
    for (const outcome of outcomes) {
      if (isAttacked(outcome, threat)) attacked.add(outcome.sample)
      if (outcome.success) broken.add(outcome.sample)
    }
  return { attacked: attacked.size, broken: broken.size }
}

/**
 * By norm and goal: at a small epsilon honest attacks agree too, so they must at each. Where hardly a sample stands there is
 * nothing left to find, and they agree for the best of reasons. Attacks that all find nothing are alike.
 */
function alike(attacks: readonly Trial[], version: string, tolerance: number): Finding[] {
  if (attacks.some(({ role }) => role === 'gradient-free' || role === 'transfer')) return []
  const groups = groupBy(attacks, ({ threat: { norm, goal } }) => [norm, goal])
  return groups.flatMap((group): Finding[] => {
    const open = groupByThreat(group).filter((each) => {
      const stands = [...worstCase(each).values()]
      return stands.filter(Boolean).length > tolerance * stands.length
    })
    const least = Math.min(...open.map(leastJaccard))
    if (open.length === 0 || !(least > 0.98)) return []
    const labels = [...new Set(group.map(({ attack }) => attack.label))]
    return [
      {
        signal: 'E17',
        severity: 'warning',
        version,
        where: formatNorm(group[0]!.threat),
        text:
          labels.length === 1
            ? `${labels[0]} ran alone, and no attack works without gradients`
            : `${labels.join(', ')} break the same samples (Jaccard index of at least ${least.toFixed(3)}), and no attack works without gradients`,
      },
    ]
  })
}

/** Of the pair that has least in common; one attack has nothing that differs. */
function leastJaccard(trials: readonly Trial[]): number {
  const sets = trials.map(
    ({ outcomes }) =>
      new Set(outcomes.filter(({ success }) => success).map(({ sample }) => sample)),
  )
  const pairs = sets.flatMap((a, i) => sets.slice(i + 1).map((b) => jaccard(a, b)))
  return Math.min(1, ...pairs)
}

/** |A ∩ B| / |A ∪ B|; two empty sets are the same. */
function jaccard(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  const both = [...a].filter((one) => b.has(one)).length
  const any = a.size + b.size - both
  return any === 0 ? 1 : both / any
}

function notCovered(
  attacks: readonly Trial[],
  version: string,
  threats: readonly GateThreat[],
): Finding[] {
  const isCovered = ({ norm, epsilon }: GateThreat): boolean =>
    attacks.some(
      ({ threat, outcomes }) =>
        outcomes.length > 0 &&
        (norm === undefined || threat.norm === norm) &&
        (epsilon === undefined || sameEpsilon(threat.epsilon, epsilon)),
    )
  const names = threats.filter((threat) => !isCovered(threat)).map(nameOf)
  return [...new Set(names)].map((name) => ({
    signal: 'E18',
    severity: 'error',
    version,
    where: name,
    text: `the gate speaks of ${name}, and no attack ran there`,
  }))
}

function nameOf({ norm, epsilon }: GateThreat): string {
  const parts = [
    norm && normLabels[norm],
    epsilon !== undefined && `${norm ? '' : 'epsilon '}${formatEpsilon(epsilon)}`,
  ].filter(Boolean)
  return parts.join(' ') || 'attacks'
}
