import { formatCount, formatCounted, formatPercent } from '../../stats/format.js'
import type { Finding } from '../types.js'
import { compare, isSurelyAbove, isSurelyMore, type Comparison } from './compare.js'
import { formatThreat, groupByThreat, type Trial } from './trial.js'

/** More than this share of the samples, and more than one: a stray sample says nothing. */
const strayShare = 0.01
const isMoreThanStray = (count: number, share: number, samples: number): boolean =>
  count > 1 && count > share * samples

/**
 * Of the samples that gradients leave standing, from this share on their failure is no weakness any more: PGD-20 leaves up to 9 %
 * of them to Square on adversarially trained networks, masked gradients leave a third and more.
 */
const maskedShare = 0.1

/** AutoAttack's α: how much an attack without gradients may be ahead. */
const leadShare = 0.002

/**
 * E1 to E4: what should be weaker finds what the attacks with gradients miss.
 *
 * The report's worst case holds the stronger result already, so what is left to doubt is how far the gradients were from it. An
 * error stands where that gap, the samples that no gradient attack breaks, is surely more than the tolerance (of E2 and E4, and a
 * tenth of what the gradients left standing); else it is a warning. Madry's MNIST model is robust, and yet a little of each fires on it.
 */
export function findMasking(
  trials: readonly Trial[],
  version: string,
  tolerance: number,
): Finding[] {
  return groupByThreat(trials).flatMap((group) => {
    const withRole = (role: Trial['role']): Trial[] => group.filter((trial) => trial.role === role)
    const white = withRole('gradient')
    if (white.length === 0) return []
    const about = { version, tolerance, white }
    return [
      ...steps(about),
      ...withRole('gradient-free').flatMap((each) => gradientFree(each, about)),
      ...withRole('control').flatMap((each) => random(each, about)),
      ...withRole('transfer').flatMap((each) => transfer(each, about)),
    ]
  })
}

interface About {
  readonly version: string
  readonly tolerance: number
  readonly white: readonly Trial[]
}

/**
 * All iterative attacks together against each single step, and each of them altogether. A search for the nearest example may
 * well find less within epsilon than a step, so it only adds to what the others find.
 */
function steps({ version, tolerance, white }: About): Finding[] {
  const single = white.filter(({ isIterative }) => !isIterative)
  const iterative = white.filter(({ isIterative }) => isIterative)
  const inBall = iterative.filter(({ kind }) => kind === 'fixed-epsilon')
  if (single.length === 0 || inBall.length === 0) return []
  const [most] = single
    .map((one) => against(one, iterative))
    .filter(({ result: { firstOnly, samples } }) => isMoreThanStray(firstOnly, strayShare, samples))
    .sort((a, b) => b.result.firstOnly - a.result.firstOnly)
  const raised = most
    ? [
        {
          ...most,
          severity: sameLoss(most.one, inBall)
            ? severityOf(most.result, tolerance)
            : ('warning' as const),
        },
      ]
    : inBall
        .flatMap((many) => single.map((one) => against(one, [many])))
        .filter(({ result: { firstOnly, secondOnly } }) => isSurelyMore(firstOnly, secondOnly))
        .map((each) => ({ ...each, severity: 'warning' as const }))
  return raised.map(({ one, name, where, result, severity }): Finding => ({
    signal: 'E1',
    severity,
    version,
    where,
    text: `${missed(one, result, name)}; ${accuracies(one, result, name)}`,
  }))
}

function against(one: Trial, many: readonly Trial[]) {
  return {
    one,
    name: nameOf(many, 'iterative attacks'),
    where: many.length === 1 ? many[0]!.where : formatThreat(one.threat),
    result: compare([one], many),
  }
}

/** Many steps up one loss and one step up another end in different places, with honest models too: up to 2.4 % of the samples. */
function sameLoss(one: Trial, iterative: readonly Trial[]): boolean {
  const loss = one.attack.params['loss']
  return iterative.some(({ attack }) => (attack.params['loss'] ?? loss) === loss)
}

function gradientFree(trial: Trial, { version, tolerance, white }: About): Finding[] {
  const result = compare([trial], white)
  const lead = result.secondStanding - result.firstStanding
  const isAhead = isMoreThanStray(lead, leadShare, result.samples)
  if (!isAhead && !isMoreThanStray(result.firstOnly, tolerance, result.samples)) return []
  return [
    {
      signal: 'E2',
      severity: maskedOrWeak(result, tolerance),
      version,
      where: trial.where,
      text: `${missed(trial, result, nameOf(white))}; ${accuracies(trial, result, nameOf(white))}`,
    },
  ]
}

function random(trial: Trial, { version, tolerance, white }: About): Finding[] {
  const result = compare([trial], white)
  const { firstOnly, secondStanding } = result
  if (firstOnly === 0) return []
  const isMany = isSurelyAbove(strayShare, firstOnly, secondStanding)
  return [
    {
      signal: 'E3',
      severity: isMany ? severityOf(result, tolerance) : 'warning',
      version,
      where: trial.where,
      text: `random points break ${formatCount(firstOnly)} of the ${formatCounted(secondStanding, 'sample')} that ${stand(secondStanding)} ${nameOf(white)} (${formatPercent(firstOnly / secondStanding)})`,
    },
  ]
}

function transfer(trial: Trial, { version, tolerance, white }: About): Finding[] {
  const result = compare([trial], white)
  if (!isMoreThanStray(result.firstOnly, strayShare, result.samples)) return []
  return [
    {
      signal: 'E4',
      severity: maskedOrWeak(result, tolerance),
      version,
      where: trial.where,
      text: missed(trial, result, nameOf(white)),
    },
  ]
}

function severityOf({ firstOnly, samples }: Comparison, tolerance: number): 'error' | 'warning' {
  return isSurelyAbove(tolerance, firstOnly, samples) ? 'error' : 'warning'
}

/** Of attacks that find many an example for themselves, gradients or not: only a large share speaks of masked gradients. */
function maskedOrWeak(result: Comparison, tolerance: number): 'error' | 'warning' {
  const isMuch = isSurelyAbove(maskedShare, result.firstOnly, result.secondStanding)
  return isMuch ? severityOf(result, tolerance) : 'warning'
}

function nameOf(trials: readonly Trial[], kind = 'attacks with gradients'): string {
  return trials.length === 1 ? trials[0]!.attack.label : `the ${trials.length} ${kind}`
}

const stand = (count: number): string => (count === 1 ? 'stands' : 'stand')

function missed({ attack }: Trial, { firstOnly, samples }: Comparison, by: string): string {
  return `${attack.label} breaks ${formatCounted(firstOnly, 'sample')} that ${by} missed, ${formatPercent(firstOnly / samples)} of ${formatCount(samples)}`
}

function accuracies({ attack }: Trial, result: Comparison, other: string): string {
  const [first, second] = [result.firstStanding, result.secondStanding].map((standing) =>
    formatPercent(standing / result.samples),
  )
  return `robust accuracy ${first} under ${attack.label}, ${second} under ${other}`
}
