import { armOf, shareOf, type TrialSet } from '../../plan/trial-arms.js'
import type { Count } from '../../plan/trial.js'
import { formatCounted, formatPercent, formatRate } from '../../stats/format.js'
import { pairedTrials } from '../../stats/paired-trials.js'
import { clopperPearson } from '../../stats/proportion.js'
import { meanOf } from '../../stats/trials.js'
import { canonicalJson } from '../../util/hash.js'
import type { PoisonCheck } from './types.js'

const timesBase = 3

interface Success {
  readonly poisoned: readonly number[]
  readonly base: readonly number[]
  readonly isImplanted: boolean
}

/** B1. Where it took hold elsewhere the attack works, and its failure here means something. */
export const notImplanted: PoisonCheck = (set, { sets, references = [] }) => {
  const success = successOf(set)
  if (!success || success.isImplanted) return []
  const elsewhere = [...sets, ...references].find(
    (other) => other !== set && isAlike(set, other) && successOf(other)?.isImplanted,
  )
  const [share, base] = [success.poisoned, success.base].map((shares) =>
    formatPercent(meanOf(shares)),
  )
  const facts = `attack success ${share} over ${formatCounted(success.poisoned.length, 'trial')}, ${base} without the poison`
  return elsewhere
    ? {
        signal: 'B1',
        severity: 'note',
        text: `${facts}; the same poison takes hold on ${elsewhere.record.version} at ${formatRate(elsewhere.record.rate)}`,
      }
    : {
        signal: 'B1',
        severity: 'error',
        text: `${facts}: no evidence of an attack, so none that the training resists it`,
      }
}

function successOf({ record, results }: TrialSet): Success | undefined {
  const pairs = results.flatMap((result) => {
    const [base, poisoned] = (['clean', 'poisoned'] as const).map(
      (arm) => armOf(result, arm)?.attackSuccess,
    )
    return base && poisoned && base.trials > 0 && poisoned.trials > 0 ? [{ base, poisoned }] : []
  })
  if (pairs.length === 0) return undefined
  const base = pairs.map((pair) => shareOf(pair.base))
  const poisoned = pairs.map((pair) => shareOf(pair.poisoned))
  // A classifier that is wrong about every fifth sample could not be wrong three times as often about most.
  const isManyTimes = record.goal === 'availability' || meanOf(poisoned) >= timesBase * meanOf(base)
  const isSure =
    pairedTrials(base, poisoned).low > 0 ||
    pairs.filter((pair) => isSurelyMore(pair.poisoned, pair.base)).length > pairs.length / 2
  return { base, poisoned, isImplanted: isManyTimes && isSure }
}

/** Within one trial the samples do count one by one: they speak of this one network. */
function isSurelyMore({ successes, trials }: Count, base: Count): boolean {
  return clopperPearson(successes, trials).low > shareOf(base)
}

function isAlike({ record: a }: TrialSet, { record: b }: TrialSet): boolean {
  const name = ({ poison, version, params }: typeof a.poison) => [poison, version, params]
  return canonicalJson(name(a.poison)) === canonicalJson(name(b.poison))
}
