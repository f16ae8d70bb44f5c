import { mcNemarWorse } from '../../stats/mcnemar.js'
import { clopperPearson } from '../../stats/proportion.js'
import { isRobust, type Trial } from './trial.js'

/** Two groups of attacks on the samples that all of them have. */
export interface Comparison {
  readonly samples: number
  /** Samples that stand every attack of the first group, and of the second. */
  readonly firstStanding: number
  readonly secondStanding: number
  /** Samples that only the first group breaks, and only the second. */
  readonly firstOnly: number
  readonly secondOnly: number
}

/** A sample stands a group if it stands each attack of it, as in the worst case of the report. */
export function compare(first: readonly Trial[], second: readonly Trial[]): Comparison {
  const [a, b] = [worstCase(first), worstCase(second)]
  const shared = [...a.keys()].filter((sample) => b.has(sample))
  const count = (inFirst: boolean, inSecond: boolean): number =>
    shared.filter((sample) => a.get(sample) === inFirst && b.get(sample) === inSecond).length
  const [both, secondOnly, firstOnly] = [count(true, true), count(true, false), count(false, true)]
  return {
    samples: shared.length,
    firstStanding: both + secondOnly,
    secondStanding: both + firstOnly,
    firstOnly,
    secondOnly,
  }
}

/** By sample, whether it stands every attack; of samples that all of them have. */
export function worstCase(trials: readonly Trial[]): Map<number, boolean> {
  const [first, ...others] = trials
  const stands = new Map<number, boolean>()
  for (const [sample, outcome] of first?.bySample ?? []) {
    const own = others.map(({ bySample }) => bySample.get(sample))
    if (own.includes(undefined)) continue
    stands.set(
      sample,
      [outcome, ...own].every((each) => each !== undefined && isRobust(each)),
    )
  }
  return stands
}

/** One-sided level of what is called sure. */
const significance = 0.05

/**
 * Is the share above a limit, for all that chance can do? By the exact one-sided limit of Clopper and Pearson at 95 %: of 1,000
 * samples 16 are surely more than 1 %, of 100 four.
 */
export function isSurelyAbove(limit: number, count: number, samples: number): boolean {
  return samples > 0 && clopperPearson(count, samples, 1 - 2 * significance).low > limit
}

/** Exact one-sided McNemar: 5 against 0, 9 against 2. */
export function isSurelyMore(more: number, fewer: number): boolean {
  return mcNemarWorse({ newlyBroken: more, newlyFixed: fewer }) < significance
}
