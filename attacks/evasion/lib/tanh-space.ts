/** Nothing is at a bound itself: tanh would have to be ±1. */
const inside = 0.999999

/** w with x = low + (tanh w + 1)/2 · (high − low), of values within the bounds. */
export function toTanhSpace(
  point: Float32Array,
  [low, high]: readonly [number, number],
  out: Float32Array,
): void {
  const scale = 2 / (high - low)
  for (let i = 0; i < point.length; i++)
    out[i] = Math.atanh(inside * Math.min(Math.max((point[i]! - low) * scale - 1, -1), 1))
}
