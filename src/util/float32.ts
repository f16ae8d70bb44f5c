/** The least float32 within epsilon of a float32. The float64 difference is rounded too: hence the second look. */
export function leastWithin(x: number, epsilon: number): number {
  const least = roundUp(x - epsilon)
  return isFarther(x, least, epsilon) ? neighbour(least, 1) : least
}

/** The greatest float32 within epsilon of a float32. */
export function greatestWithin(x: number, epsilon: number): number {
  const most = roundDown(x + epsilon)
  return isFarther(most, x, epsilon) ? neighbour(most, -1) : most
}

/** a − b > epsilon in exact arithmetic, by the rounding error of the difference (Knuth's TwoSum). */
export function isFarther(a: number, b: number, epsilon: number): boolean {
  const difference = a - b
  if (difference !== epsilon) return difference > epsilon
  const back = difference - a
  return a - (difference - back) - (b + back) > 0
}

/** The greatest float32 that is not above a number. */
export function roundDown(value: number): number {
  const nearest = Math.fround(value)
  return nearest > value ? neighbour(nearest, -1) : nearest
}

/** The least float32 that is not below a number. */
export function roundUp(value: number): number {
  const nearest = Math.fround(value)
  return nearest < value ? neighbour(nearest, 1) : nearest
}

const bits = new Int32Array(1)
const view = new Float32Array(bits.buffer)

/** The next float32 above (1) or below (−1). */
function neighbour(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * 2 ** -149
  view[0] = value
  bits[0]! += value > 0 ? direction : -direction
  return view[0]!
}
