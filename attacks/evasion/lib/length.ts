import type { Norm } from '../../../src/plugin.js'

/** Of values as numbers are summed here: in float64, without an array besides. */
type Values = Float32Array | Float64Array

export const lengthL2 = (values: Values): number => Math.sqrt(squareOf(values))

/** Σ vᵢ², in four sums side by side: in one, each addition would wait for the last. */
export function squareOf(values: Values): number {
  const n = values.length - (values.length % 4)
  let [a, b, c, d] = [0, 0, 0, 0]
  for (let i = 0; i < n; i += 4) {
    a += values[i]! * values[i]!
    b += values[i + 1]! * values[i + 1]!
    c += values[i + 2]! * values[i + 2]!
    d += values[i + 3]! * values[i + 3]!
  }
  for (let i = n; i < values.length; i++) a += values[i]! * values[i]!
  return a + b + (c + d)
}

/** Σ |vᵢ|, likewise. */
export function lengthL1(values: Values): number {
  const n = values.length - (values.length % 4)
  let [a, b, c, d] = [0, 0, 0, 0]
  for (let i = 0; i < n; i += 4) {
    a += Math.abs(values[i]!)
    b += Math.abs(values[i + 1]!)
    c += Math.abs(values[i + 2]!)
    d += Math.abs(values[i + 3]!)
  }
  for (let i = n; i < values.length; i++) a += Math.abs(values[i]!)
  return a + b + (c + d)
}

export function greatest(values: Values): number {
  let most = 0
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!)
    if (size > most) most = size
  }
  return most
}

/** The norm whose product with `norm` bounds an inner product: how steep a loss is to a step measured in `norm`. */
export function dualLength(norm: Norm, values: Values): number {
  if (norm === 'l2') return lengthL2(values)
  return norm === 'linf' ? lengthL1(values) : greatest(values)
}
