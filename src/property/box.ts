import type { Atom } from './linear.js'

/** lower ≤ x ≤ upper for each input, in double precision, as the property says. */
export interface Bounds {
  readonly lower: Float64Array
  readonly upper: Float64Array
}

/** The same for points in single precision. */
export interface Box {
  readonly lower: Float32Array
  readonly upper: Float32Array
}

export const unbounded = (inputs: number): Bounds => ({
  lower: new Float64Array(inputs).fill(-Infinity),
  upper: new Float64Array(inputs).fill(Infinity),
})

/** An atom over one input and no output: a bound. */
export const isBound = ({ x, y }: Atom): boolean => x.indices.length === 1 && y.indices.length === 0

/** Narrows bounds, in place. Between a double and the next there is none: a strict bound is the neighbour. */
export function narrow({ lower, upper }: Bounds, { x, bound, isStrict }: Atom): void {
  const index = x.indices[0]!
  const weight = x.weights[0]!
  // 0 rather than −0.
  const limit = bound / weight + 0
  if (weight > 0) upper[index] = Math.min(upper[index]!, isStrict ? nextDouble(limit, -1) : limit)
  else lower[index] = Math.max(lower[index]!, isStrict ? nextDouble(limit, 1) : limit)
}

export const isEmpty = ({ lower, upper }: Bounds): boolean =>
  lower.some((low, i) => !(low <= upper[i]!))

/** The first input that is not bounded on both sides, or −1. */
export const firstUnbounded = ({ lower, upper }: Bounds): number =>
  lower.findIndex((low, i) => !Number.isFinite(low) || !Number.isFinite(upper[i]!))

/**
 * The box rounded inward to float32. Where no float32 lies between the bounds, both become the one nearest to them: an
 * input that a property fixes at 0.1 is fed as float32 0.1.
 */
export function roundInward(bounds: Bounds): Box {
  const lower = Float32Array.from(bounds.lower, roundUp)
  const upper = Float32Array.from(bounds.upper, roundDown)
  for (let i = 0; i < lower.length; i++) {
    if (lower[i]! <= upper[i]!) continue
    const isAboveNearer = lower[i]! - bounds.upper[i]! < bounds.lower[i]! - upper[i]!
    if (isAboveNearer) upper[i] = lower[i]!
    else lower[i] = upper[i]!
  }
  return { lower, upper }
}

/** The least float32 that is not below. */
function roundUp(value: number): number {
  const near = Math.fround(value)
  return near < value ? floatAbove(near) : near + 0
}

/** The greatest float32 that is not above. */
const roundDown = (value: number): number => 0 - roundUp(-value)

const bits = new DataView(new ArrayBuffer(8))

/** The neighbour of a float32 above it. */
function floatAbove(value: number): number {
  if (value === 0) return 2 ** -149
  bits.setFloat32(0, value)
  bits.setInt32(0, bits.getInt32(0) + (value > 0 ? 1 : -1))
  return bits.getFloat32(0)
}

/** The neighbour of a double, in the direction of the sign. */
function nextDouble(value: number, sign: 1 | -1): number {
  if (value === 0) return sign * Number.MIN_VALUE
  bits.setFloat64(0, value)
  bits.setBigInt64(0, bits.getBigInt64(0) + (value > 0 === sign > 0 ? 1n : -1n))
  return bits.getFloat64(0)
}
