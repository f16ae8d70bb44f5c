import type { Norm } from '../../../src/plugin.js'

/** Of values as numbers are summed here: in float64, without an array besides. */
type Values = Float32Array | Float64Array

export function lengthL2(values: Values): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!
  return Math.sqrt(sum)
}

export function lengthL1(values: Values): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!)
  return sum
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
