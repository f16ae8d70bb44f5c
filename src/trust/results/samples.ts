import {
  formatCounted,
  formatPercent,
  formatPoints,
  formatPointsPlain,
} from '../../stats/format.js'
import { pairCounts } from '../../stats/paired.js'
import { wilson } from '../../stats/proportion.js'
import type { Finding } from '../types.js'
import { isSurelyMore, worstCase } from './compare.js'
import { groupByThreat, formatThreat, isRight, type Trial } from './trial.js'

const fewSamples = 500

/**
 * P15. A run that is not complete is short for another reason.
 * @param tolerance - none: the interval is held against nothing
 */
export function findFewSamples(
  trials: readonly Trial[],
  version: string,
  tolerance: number | undefined,
): Finding[] {
  const complete = trials.filter((trial) => trial.complete)
  const samples = Math.max(0, ...complete.map(({ bySample }) => bySample.size))
  if (samples === 0) return []
  const widest = Math.max(
    ...groupByThreat(complete).map((group) => {
      const stands = [...worstCase(group).values()]
      const { low, high } = wilson(stands.filter(Boolean).length, stands.length)
      return (high - low) / 2
    }),
  )
  if (samples >= fewSamples && (tolerance === undefined || widest <= tolerance)) return []
  const held = tolerance === undefined ? '' : `, the tolerance is ${formatPointsPlain(tolerance)}`
  return [
    {
      signal: 'P15',
      severity: 'warning',
      version,
      where: '',
      text: `${formatCounted(samples, 'sample')}: the 95 % interval of the robust accuracy reaches ${formatPoints(widest, tolerance).replace('+', '±')} around it${held}`,
    },
  ]
}

/** E25. The baseline's own samples; how the worst case moved is said beside it. */
export function findCollapse(
  trials: readonly Trial[],
  before: { readonly version: string; readonly trials: readonly Trial[] },
  { version, tolerance }: { readonly version: string; readonly tolerance: number },
): Finding[] {
  const [old, now] = [cleanRight(before.trials), cleanRight(trials)]
  const shared = [...old.keys()].filter((sample) => now.has(sample))
  const counts = pairCounts(
    shared.map((sample) => old.get(sample) === true),
    shared.map((sample) => now.get(sample) === true),
  )
  const { bothRight, newlyBroken, newlyFixed } = counts
  const drop = (newlyBroken - newlyFixed) / shared.length
  if (!(drop > tolerance) || !isSurelyMore(newlyBroken, newlyFixed)) return []
  const [from, to] = [newlyBroken, newlyFixed].map((own) =>
    formatPercent((bothRight + own) / shared.length),
  )
  return [
    {
      signal: 'E25',
      severity: 'warning',
      version,
      where: '',
      text: `clean accuracy ${from} → ${to} against ${before.version} (${formatPoints(-drop, -tolerance)})${robustChange(trials, before.trials)}`,
    },
  ]
}

function cleanRight(trials: readonly Trial[]): Map<number, boolean> {
  return new Map(
    trials.flatMap(({ outcomes }) =>
      outcomes.map((outcome): [number, boolean] => [outcome.sample, isRight(outcome)]),
    ),
  )
}

/** `; robust accuracy 10.0 % → 30.0 % at L∞ 8/255`, of the threats that both were attacked under where it rose most. */
function robustChange(after: readonly Trial[], before: readonly Trial[]): string {
  const old = new Map(groupByThreat(before).map((group) => [formatThreat(group[0]!.threat), group]))
  const changes = groupByThreat(after).flatMap((group) => {
    const threat = formatThreat(group[0]!.threat)
    const other = old.get(threat)
    if (!other) return []
    const [from, to] = [other, group].map(share) as [number, number]
    return [{ threat, from, to }]
  })
  const [most] = changes.toSorted((a, b) => b.to - b.from - (a.to - a.from))
  return most
    ? `; robust accuracy ${formatPercent(most.from)} → ${formatPercent(most.to)} at ${most.threat}`
    : ''
}

function share(group: readonly Trial[]): number {
  const stands = [...worstCase(group).values()]
  return stands.filter(Boolean).length / stands.length
}
