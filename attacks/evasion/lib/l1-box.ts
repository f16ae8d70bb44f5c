/** Indices of values that are not 0; grows to the greatest sample. */
let moved = new Int32Array(0)

/**
 * Euclidean projection of `delta` onto { ‖δ‖₁ ≤ ε } ∩ { low ≤ clean + δ ≤ high }, in place. Unlike the projection onto the
 * ball and then the box it leaves no room unused: δᵢ = sign dᵢ · min(max(|dᵢ| − λ, 0), cᵢ), where cᵢ is the way to the bound
 * and λ ≥ 0 the least with ‖δ‖₁ ≤ ε. Only values that are not 0 are looked at more than once: of sparse steps, few.
 * Source: Croce & Hein 2021, arXiv:2103.01208, proposition 2.1; λ by Newton's method between brackets.
 */
export function projectL1Box(
  delta: Float64Array,
  clean: Float32Array,
  epsilon: number,
  [low, high]: readonly [number, number],
): void {
  const n = delta.length
  if (moved.length < n) moved = new Int32Array(n)
  let [count, most, total] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const d = delta[i]!
    if (d === 0) continue
    moved[count++] = i
    const size = Math.abs(d)
    const room = d > 0 ? high - clean[i]! : clean[i]! - low
    total += Math.min(size, room)
    if (size > most) most = size
  }
  const at = moved.subarray(0, count)
  const lambda = total > epsilon ? threshold(delta, at, clean, epsilon, [low, high], most) : 0
  for (const i of at) {
    const d = delta[i]!
    const size = Math.max(Math.abs(d) - lambda, 0)
    delta[i] = d > 0 ? Math.min(size, high - clean[i]!) : -Math.min(size, clean[i]! - low)
  }
}

/** λ with Σ min(max(|dᵢ| − λ, 0), cᵢ) = ε over the values `at`; `most` = max |dᵢ|, where the sum is 0. */
function threshold(
  delta: Float64Array,
  at: Int32Array,
  clean: Float32Array,
  epsilon: number,
  [low, high]: readonly [number, number],
  most: number,
): number {
  let [least, lambda] = [0, 0]
  // Each round either lands on the root's piece, and then on the root, or halves the bracket.
  for (let round = 0; round < 60 && most - least > 1e-12 * most; round++) {
    let [sum, slope] = [0, 0]
    for (let j = 0; j < at.length; j++) {
      const i = at[j]!
      const d = delta[i]!
      const rest = (d > 0 ? d : -d) - lambda
      if (!(rest > 0)) continue
      const room = d > 0 ? high - clean[i]! : clean[i]! - low
      if (rest < room) {
        sum += rest
        slope++
      } else sum += room
    }
    const excess = sum - epsilon
    if (Math.abs(excess) <= 1e-10 * epsilon) break
    if (excess > 0) least = lambda
    else most = lambda
    const next = slope > 0 ? lambda + excess / slope : NaN
    lambda = next > least && next < most ? next : (least + most) / 2
  }
  return lambda
}
