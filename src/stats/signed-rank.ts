/**
 * Wilcoxon's signed-rank test, one-sided and exact: the chance of as much weight on the positive side if every
 * difference were as likely to have the other sign. 1 when no difference is positive.
 *
 * Differences of 0 are left out; equal sizes share the mean of their ranks. The chance is counted out over all signs
 * given those ranks, so ties need no correction; where all differences are ±1, that is the exact McNemar test.
 * Source: Wilcoxon 1945; Pratt & Gibbons 1981, "Concepts of Nonparametric Theory", chapter 3 (ties).
 * @param differences - one per pair
 * Cost: O(n³) for n differences that are not 0; 1,000 take seconds.
 * @throws RangeError if a difference is not finite
 */
export function signedRankGreater(differences: readonly number[]): number {
  for (const difference of differences)
    if (!Number.isFinite(difference))
      throw new RangeError(`a difference must be finite, got ${difference}`)
  const changes = differences.filter((difference) => difference !== 0)
  const ranks = doubledRanks(changes.map(Math.abs))
  const observed = ranks.reduce((sum, rank, i) => sum + (changes[i]! > 0 ? rank : 0), 0)
  if (observed === 0) return 1
  const chances = sumChances(ranks)
  return Math.min(
    1,
    chances.subarray(observed).reduce((sum, chance) => sum + chance, 0),
  )
}

/** Twice the rank of each value among all, ties sharing their mean: whole numbers. */
function doubledRanks(sizes: readonly number[]): number[] {
  const ascending = [...sizes.entries()].sort(([, a], [, b]) => a - b)
  const ranks = sizes.map(() => 0)
  for (let from = 0; from < ascending.length;) {
    let to = from + 1
    while (to < ascending.length && ascending[to]![1] === ascending[from]![1]) to++
    // Ranks from + 1 … to, twice their mean.
    for (let i = from; i < to; i++) ranks[ascending[i]![0]] = from + 1 + to
    from = to
  }
  return ranks
}

/** P(sum of a random half of the ranks = s), for each s. */
function sumChances(ranks: readonly number[]): Float64Array {
  const total = ranks.reduce((sum, rank) => sum + rank, 0)
  const chances = new Float64Array(total + 1)
  chances[0] = 1
  let reached = 0
  for (const rank of ranks) {
    reached += rank
    for (let sum = reached; sum >= 0; sum--)
      chances[sum] = ((chances[sum] ?? 0) + (sum >= rank ? chances[sum - rank]! : 0)) / 2
  }
  return chances
}
