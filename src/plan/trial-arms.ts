import type { Arm, Count, PoisoningRecord, TrialResult } from './trial.js'

/** A cell of trials as it was planned, and what came of it. */
export interface TrialSet {
  readonly record: PoisoningRecord
  /** Of the trials that are done, in planned order. */
  readonly results: readonly TrialResult[]
  /** What failed, one line each. */
  readonly failures: readonly string[]
}

/** Share of the attacked samples at which a trial counts as successful: the attacker gets what it wants more often than not. */
export const successShare = 0.5

/** NaN where nothing was counted. */
export const shareOf = ({ successes, trials }: Count): number => successes / trials

/** @param filter - of a `filtered` arm: id of a detector, `random` or `oracle` */
export function armOf(
  { arms }: TrialResult,
  arm: Arm['arm'],
  filter: string | null = null,
): Arm | undefined {
  return arms.find((one) => one.arm === arm && one.filter === filter)
}

/** Filters in order of first appearance. */
export function filtersOf(results: readonly TrialResult[]): string[] {
  const filters = results.flatMap(({ arms }) => arms.flatMap(({ filter }) => filter ?? []))
  return [...new Set(filters)]
}

/** What two versions must share for their trials to be the same: same source, target and seed. */
export function trialName({ source, target, seed }: TrialResult): string {
  return JSON.stringify([source, target, seed])
}

/**
 * Notes of trials, each with the numbers of the trials that have it; without, where all have it.
 * @param keys - of the planned trials, in order
 */
export function notesOf(keys: readonly string[], results: readonly TrialResult[]): string[] {
  const numbers = new Map<string, number[]>()
  for (const { key, notes } of results.toSorted(
    (a, b) => keys.indexOf(a.key) - keys.indexOf(b.key),
  ))
    for (const note of notes)
      numbers.set(note, [...(numbers.get(note) ?? []), keys.indexOf(key) + 1])
  return [...numbers].map(([note, own]) => {
    if (own.length === keys.length && own.length > 1) return note
    return `${own.length > 1 ? 'trials' : 'trial'} ${own.join(', ')}: ${note}`
  })
}

/** How much accuracy on clean test data the poison costs: clean − poisoned, of one trial. Undefined without both arms. */
export function cleanLossOf(result: TrialResult): number | undefined {
  const [clean, poisoned] = [armOf(result, 'clean'), armOf(result, 'poisoned')]
  if (!clean || !poisoned) return undefined
  return shareOf(clean.cleanAccuracy) - shareOf(poisoned.cleanAccuracy)
}

/** A share of each trial that has one, in order. */
export function sharesOf(
  results: readonly TrialResult[],
  read: (result: TrialResult) => Count | undefined,
): number[] {
  return results.flatMap((result) => {
    const count = read(result)
    return count && count.trials > 0 ? [shareOf(count)] : []
  })
}

/** Training samples of a trial, as far as they are known: what a share of removed samples is a share of. */
export function trainingSize({ detectors }: TrialResult): number | undefined {
  return detectors.find(({ samples }) => samples > 0)?.samples
}
