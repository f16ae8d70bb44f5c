/** The classes other than `label`, by falling score. */
export function rivalsOf(scores: Float32Array, label: number): number[] {
  const others = [...scores.keys()].filter((k) => k !== label)
  return others.sort((a, b) => scores[b]! - scores[a]!)
}
